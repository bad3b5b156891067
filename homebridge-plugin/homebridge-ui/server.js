// Where the Homebridge UI looks for the server of a settings page; it is built from src/settings-page.
import '../dist/settings-server.js';

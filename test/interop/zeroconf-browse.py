"""What python-zeroconf, an mDNS implementation of its own, sees of a service type: one line of JSON for each."""
import json
import sys
import time

from zeroconf import IPVersion, ServiceBrowser, Zeroconf


class Names:
    def __init__(self):
        self.found = []

    def add_service(self, zeroconf, type_, name):
        self.found.append(name)

    def update_service(self, zeroconf, type_, name):
        pass

    def remove_service(self, zeroconf, type_, name):
        pass


type_ = sys.argv[1]
names = Names()
zeroconf = Zeroconf(ip_version=IPVersion.V4Only)
ServiceBrowser(zeroconf, type_, names)
time.sleep(float(sys.argv[2]))
for name in names.found:
    info = zeroconf.get_service_info(type_, name, timeout=2000)
    if info:
        txt = {key.decode(): value.decode() for key, value in info.properties.items()}
        print(json.dumps({"name": name, "host": info.server, "port": info.port, "addresses": sorted(info.parsed_addresses()), "txt": txt}))
zeroconf.close()

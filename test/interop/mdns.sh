#!/bin/bash
# Runs inside `unshare --net --mount`: a machine of its own with a LAN, a container bridge and a tunnel, Avahi and Tonearm.
# $1: folder for files, $2: node, $3: the bundle. Prints what Avahi sees, in parts that begin with "== ".
set -eu
folder=$1
mount -t tmpfs none /run
mkdir -p /run/avahi-daemon
ip link set lo up
ip link add lan0 type veth peer name lan1
ip address add 192.0.2.1/24 dev lan0
ip link set lan0 up
ip link set lan1 up
ip link add docker0 type bridge
ip link add veth1234 type veth peer name inside
ip link set veth1234 master docker0
ip address add 172.17.0.1/16 dev docker0
ip link add wg0 type veth peer name wgfar
ip address add 10.8.0.2/24 dev wg0
for link in docker0 veth1234 inside wg0 wgfar; do ip link set "$link" up; done
ip route add 224.0.0.0/4 dev lan0

cat >"$folder/bus.conf" <<CONF
<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN" "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><listen>unix:path=$folder/bus</listen><policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy></busconfig>
CONF
printf '[server]\nhost-name=avahi-machine\nuse-ipv6=no\n[publish]\npublish-workstation=no\n' >"$folder/avahi.conf"
export DBUS_SYSTEM_BUS_ADDRESS="unix:path=$folder/bus"
children=()
trap 'kill "${children[@]}" 2>/dev/null || true' EXIT
dbus-daemon --config-file="$folder/bus.conf" --nofork --nopidfile >"$folder/dbus.log" 2>&1 &
children+=($!)
for _ in $(seq 100); do [ -S "$folder/bus" ] && break; sleep 0.1; done
"$(command -v avahi-daemon || echo /usr/sbin/avahi-daemon)" -f "$folder/avahi.conf" --no-drop-root --no-chroot --no-rlimits >"$folder/avahi.log" 2>&1 &
children+=($!)
for _ in $(seq 100); do grep -q 'Server startup complete' "$folder/avahi.log" && break; sleep 0.1; done

HOME="$folder" TONEARM_CONFIG_ZONES_0_NAME='Küche' TONEARM_CONFIG_ZONES_0_OUTPUT='{ kind: "null" }' TONEARM_CONFIG_BROKER_ENABLED=false TONEARM_CONFIG_CLOUD_DIRECTORY=http://127.0.0.1:9 \
  "$2" "$3" >"$folder/tonearm.log" 2>&1 &
tonearm=$!
children+=("$tonearm")
for _ in $(seq 200); do grep -q 'Settings: ' "$folder/tonearm.log" && break; sleep 0.1; done

echo '== found'
timeout 20 avahi-browse --resolve --terminate --parsable --no-db-lookup _spotify-connect._tcp
echo '== host names'
host=$(avahi-browse -rtpk _spotify-connect._tcp | awk -F';' '$1 == "=" { print $7; exit }')
timeout 10 avahi-resolve -4 -n "$host"
kill -TERM "$tonearm"
wait "$tonearm" || true
sleep 2 # what said farewell is forgotten after one second (RFC 6762, 10.1)
echo '== after the end'
timeout 20 avahi-browse --terminate --parsable --no-db-lookup _spotify-connect._tcp
echo '== avahi'
grep -iE 'conflict|Host name is' "$folder/avahi.log" || true

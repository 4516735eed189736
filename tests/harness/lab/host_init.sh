#!/bin/bash
# Process 1 of a lab host. Started by host.ts in new mount, UTS, IPC, PID and cgroup namespaces and in the host's network namespace,
# with DIR (the host's directory), NAME and PRIVATE (directories of which the host has its own) in the environment.
# What is done here, and why it cannot be left out:
#  - /run and /dev/shm of its own: Podman keeps address leases and its lock segment there, whatever its flags say;
#  - the copied mounts of network namespaces and overlays are let go of, or they would keep alive what others remove;
#  - /sys is mounted anew, not covered: container runtimes take the first cgroup mount that they find listed;
#  - a cgroup tree that begins at this host's own; shared mount propagation, which Docker demands.
set -euo pipefail

# /proc is still the machine's: the first word is our process id as the machine knows it.
read -r outer _ </proc/self/stat
mounts=$(awk '{ for (i = 7; $i != "-"; i++); t = $(i+1); o = $(i+3) }
    t == "cgroup" || t == "cgroup2" { n = split(o, a, ","); c = ""
        for (j = 1; j <= n; j++) if (t == "cgroup" && a[j] !~ /^(rw|ro|xattr|clone_children|release_agent=.*)$/) c = c (c ? "," : "") a[j]
        print $5, t, (c ? c : "-") }' /proc/self/mountinfo)

awk '{ for (i = 7; $i != "-"; i++); print $5, $(i+1) }' /proc/self/mountinfo | tac | while read -r at type; do
    case $type in nsfs | overlay | fuse.fuse-overlayfs)
        at=$(printf '%b' "$at")
        case $DIR/ in "${at%/}"/*) continue ;; esac
        # When its owner removes the file under a mount, at this very moment, the copy of the mount goes with it.
        umount -l "$at" || ! awk -v at="$at" '$5 == at { found = 1 } END { exit !found }' /proc/self/mountinfo ;;
    esac
done
mount -t proc proc /proc
echo "$NAME" >/proc/sys/kernel/hostname
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/lock /run/netns
mount -t tmpfs -o mode=1777 tmpfs /dev/shm
for file in hostname hosts resolv.conf machine-id; do
    to=$(readlink -m "/etc/$file") # may be a link into /run, which is empty by now
    case $to in /run/*) mkdir -p "${to%/*}"; : >"$to" ;; esac
    [ ! -e "$to" ] || mount --bind "$DIR/etc/$file" "$to"
done
for dir in $PRIVATE; do
    case $DIR/ in "$dir"/*) continue ;; esac
    [ -d "$dir" ] || continue
    if [ ! -d "$DIR/disk$dir" ]; then mkdir -p "$DIR/disk$dir"; chmod --reference="$dir" "$DIR/disk$dir"; fi
    mount --bind "$DIR/disk$dir" "$dir"
done
umount -R -l /sys
mount -t sysfs sysfs /sys
grep -q '^/sys/fs/cgroup ' <<<"$mounts" || mount -t tmpfs -o mode=755 tmpfs /sys/fs/cgroup
while read -r at type controllers; do
    mkdir -p "$at"
    if [ "$type" = cgroup2 ]; then
        mount -t cgroup2 cgroup2 "$at"
        mkdir -p "$at/init" # only leaves may hold processes
        echo 1 >"$at/init/cgroup.procs" || true
        read -r list <"$at/cgroup.controllers" || true
        for c in ${list:-}; do echo "+$c" 2>/dev/null >"$at/cgroup.subtree_control" || true; done
    else
        case $controllers in name=*) controllers=none,$controllers ;; esac
        mount -t cgroup -o "$controllers" cgroup "$at"
    fi
done <<<"$mounts"
mount --make-rshared /
cd /run
echo "$outer" >"$DIR/init.pid.new"
mv "$DIR/init.pid.new" "$DIR/init.pid"

# Stay, and collect every child that ends, orphans of the host included.
trap 'exit 0' TERM INT
while :; do sleep 2147483647 & wait $! || true; done

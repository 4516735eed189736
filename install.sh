#!/usr/bin/env bash
# Brings this host what Sauropod needs and lacks: Deno, redis-server (or valkey), a container engine when there is neither Docker nor
# Podman, nftables, iproute2 and conntrack. Safe to run again; changes no configuration of an engine that is there.
#
#   ./install.sh           install what is missing (root)
#   ./install.sh --check   only say what is missing; exit code 1 when something is
#   ./install.sh --tests   also what the tests need: both engines, kubectl, busybox, tools (Debian and Ubuntu)
set -euo pipefail

deno_version=2.9.6
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

say() { printf '%s\n' "install: $*"; }
die() { printf '%s\n' "install: $*" >&2; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }

check= tests=
case ${1:-} in
"") ;;
--check) check=yes ;;
--tests) tests=yes ;;
*) die "unknown argument $1; usage: ./install.sh [--check|--tests]" ;;
esac

# ---- what is missing -------------------------------------------------------------------------------------------------------------

missing=()
have deno || missing+=(deno)
have redis-server || have valkey-server || missing+=(redis)
# The Docker client alone runs nothing.
have podman || have dockerd || [ -S /var/run/docker.sock ] || missing+=(podman)
have nft || missing+=(nftables)
have ip || missing+=(iproute2)
have conntrack || missing+=(conntrack)

if [ -n "$check" ]; then
    if [ ${#missing[@]} -eq 0 ]; then say "nothing is missing"; exit 0; fi
    say "missing: ${missing[*]}"
    exit 1
fi

# ---- packages --------------------------------------------------------------------------------------------------------------------

want() { local m; for m in "${missing[@]:-}"; do [ "$m" != "$1" ] || return 0; done; return 1; }

packages_apt() {
    ! want redis || echo redis-server
    ! want podman || echo podman runc conmon netavark aardvark-dns
    ! want nftables || echo nftables
    ! want iproute2 || echo iproute2
    ! want conntrack || echo conntrack
}
packages_dnf() {
    ! want redis || { dnf -q list valkey >/dev/null 2>&1 && echo valkey || echo redis; }
    ! want podman || echo podman
    ! want nftables || echo nftables
    ! want iproute2 || echo iproute
    ! want conntrack || echo conntrack-tools
}

[ "$(id -u)" = 0 ] || [ ${#missing[@]} -eq 0 ] || die "must be root to install: ${missing[*]}"
if have apt-get; then packages=$(packages_apt); elif have dnf; then packages=$(packages_dnf); else packages=; fi
packages=$(xargs <<<"$packages")
if [ -n "$packages" ]; then
    say "installing $packages"
    if have apt-get; then
        export DEBIAN_FRONTEND=noninteractive
        apt-get update -q >/dev/null
        # shellcheck disable=SC2086
        apt-get install -q -y --no-install-recommends $packages >/dev/null
    else
        # shellcheck disable=SC2086
        dnf -q -y install $packages
    fi
    # The package's own service is not ours: Sauropod starts a Redis of its own on a unix socket.
    if want redis && [ -d /run/systemd/system ]; then
        for service in redis-server redis valkey; do
            systemctl is-enabled -q "$service" 2>/dev/null || continue
            say "disabling the $service service that the package brought: Sauropod starts its own"
            systemctl disable -q --now "$service"
        done
    fi
elif want redis || want podman || want nftables || want iproute2 || want conntrack; then
    die "neither apt-get nor dnf is here; install by hand: ${missing[*]}"
fi

# ---- what only the tests need: both engines, a static busybox for their images, small tools ---------------------------------------

if [ -n "$tests" ]; then
    have apt-get || die "--tests knows Debian and Ubuntu only"
    tools=()
    for pair in podman:podman dockerd:docker.io runc:runc conmon:conmon busybox:busybox-static curl:curl tc:iproute2 \
        nslookup:bind9-dnsutils firewalld:firewalld dbus-daemon:dbus unshare:util-linux pgrep:procps kubectl:kubernetes-client node:nodejs; do
        PATH=$PATH:/usr/sbin:/sbin have "${pair%%:*}" || tools+=("${pair##*:}")
    done
    [ -e /usr/lib/podman/netavark ] || tools+=(netavark aardvark-dns)
    if [ ${#tools[@]} -gt 0 ]; then
        [ "$(id -u)" = 0 ] || die "must be root to install: ${tools[*]}"
        say "installing ${tools[*]} for the tests"
        export DEBIAN_FRONTEND=noninteractive
        # Their services are not to start: each test host starts engines of its own.
        if [ ! -e /usr/sbin/policy-rc.d ]; then
            printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
            chmod +x /usr/sbin/policy-rc.d
            trap 'rm -f /usr/sbin/policy-rc.d' EXIT
        fi
        apt-get update -q >/dev/null
        apt-get install -q -y --no-install-recommends "${tools[@]}" >/dev/null
    fi
fi

# ---- Deno ------------------------------------------------------------------------------------------------------------------------

if want deno; then
    if have npm; then
        say "installing deno $deno_version with npm"
        npm install --global --no-fund --no-audit --loglevel=error "deno@$deno_version" >/dev/null
    else
        say "installing deno $deno_version with Deno's installer"
        have curl && have unzip || die "Deno's installer needs curl and unzip: install them, or npm"
        curl -fsSL https://deno.land/install.sh | DENO_INSTALL=/usr/local sh -s "v$deno_version" >/dev/null
    fi
    hash -r
    have deno || die "deno was installed but is not in PATH ($PATH)"
fi

# ---- what Sauropod itself is made of ---------------------------------------------------------------------------------------------

say "fetching the libraries that deno.lock names"
(cd "$here" && deno install --quiet --frozen --entrypoint main.ts apiserver/main.ts agent/main.ts proxy/main.ts)
if [ -n "$tests" ]; then
    # The official JavaScript client, which a test runs on Node: into the cache, from where the test takes it.
    scratch=$(mktemp -d)
    cp "$here"/tests/harness/javascript_client/{package.json,deno.lock} "$scratch"
    (cd "$scratch" && deno install --quiet --frozen --node-modules-dir=auto)
    rm -rf "$scratch"
fi
say "ready: $(deno --version | head -n 1); start with: deno task start"

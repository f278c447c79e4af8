#!/bin/sh
# All set-up that `make up` and `make test` need, on Debian 12: npm packages, and as root the Debian packages that running pods takes.
# Quick when everything is there. Says each step.
set -eu
cd "$(dirname "$0")/.."

say() { printf '\033[2m[setup]\033[0m %s\n' "$*"; }

major=$(node --version 2>/dev/null | sed 's/^v\([0-9]*\).*/\1/')
if [ "${major:-0}" -lt 20 ]; then
  echo "setup: Node 20 or newer is needed (found: $(node --version 2>/dev/null || echo none)); install nodejs and npm" >&2
  exit 1
fi

if [ ! -x node_modules/node/bin/node ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
  say "npm packages"
  npm ci --no-audit --no-fund --loglevel=error
  touch node_modules/.package-lock.json
fi
if [ -f tools/generate-descriptions.ts ] && [ ! -f build/descriptions.json ]; then
  say "field descriptions"
  node_modules/node/bin/node tools/generate-descriptions.ts
fi

# Command or file that shows that a package is there, and the package.
packages='containerd:containerd runc:runc /usr/lib/cni/ptp:containernetworking-plugins nft:nftables ip:iproute2 busybox:busybox-static
  conntrack:conntrack mount:mount ps:procps'
# Only for the tests.
[ "${1:-}" = tests ] && packages="$packages docker-registry:docker-registry etcd:etcd-server tcpdump:tcpdump socat:socat
  prometheus:prometheus ansible:ansible /usr/lib/python3/dist-packages/kubernetes:python3-kubernetes"
command -v kubectl >/dev/null 2>&1 || packages="$packages kubectl:kubernetes-client"

missing=''
for entry in $packages; do
  found=${entry%%:*}
  case $found in
    /*) [ -e "$found" ] || [ -e "/opt/cni/bin/${found##*/}" ] || missing="$missing ${entry##*:}" ;;
    *) PATH="$PATH:/usr/sbin:/sbin" command -v "$found" >/dev/null 2>&1 || missing="$missing ${entry##*:}" ;;
  esac
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
  say "not root on Debian: without$missing there are no pods here, only the control plane"
  exit 0
fi

say "Debian packages:$missing"
# Debian starts the services of what it installs; Wherry brings up its own containerd, so none of them may start.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' > "$policy"
  chmod +x "$policy"
  trap 'rm -f "$policy"' EXIT
fi
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null

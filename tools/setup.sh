#!/usr/bin/env bash
# Installs the Debian packages that are missing: tools/setup.sh [GROUP...], default group build.
# Silent when nothing is missing. None of the packages brings a service.
set -euo pipefail

# group, package, what it is for
packages='
build  g++                   the compiler: GCC 12, C++23
build  cmake                 the build system
build  ninja-build           runs the compilers that CMake asks for
build  libboost1.81-dev      Asio (sockets, coroutines) and Beast (HTTP)
build  libboost-json1.81-dev JSON of Flux and of Kubernetes
build  libboost-url1.81-dev  request paths and queries
build  libssl-dev            TLS
build  libnghttp2-dev        HTTP/2
build  zlib1g-dev            compressed answers
build  libcli11-dev          the command line
build  libspdlog-dev         log lines
build  libfmt-dev            text formatting; GCC 12 has no <format>
build  libyaml-dev           YAML: manifests, kubeconfigs, files of metrics
build  libjq-dev             jq expressions in metrics of users
build  libgtest-dev          unit tests
build  python3               black-box tests and checks of the tree
test   openssl               black-box tests make certificates with it
test   iproute2              a black-box test joins two network namespaces
test   curl                  the examples of docs/agent-api.md call it
lint   clang-format-19       one style
lint   clang-tidy-19         bugs that compilers do not see
bench  nghttp2-client        the load over HTTP/2
bench  wrk                   the load of the HTTP measurements
bench  openssl               a certificate for both servers
cache  ccache                used when it is there: the second build is quick
'

groups=" ${*:-build} "
missing=()
reasons=
wanted=()
while read -r group name reason; do
  [ -n "$group" ] && [[ $groups == *" $group "* ]] || continue
  wanted+=("$name")
  status=$(dpkg-query -W -f '${Status}' "$name" 2>/dev/null || true)
  [ "$status" = "install ok installed" ] && continue
  missing+=("$name")
  reasons+=$(printf '  %-22s %s' "$name" "$reason")$'\n'
done <<<"$packages"

system=$(. /etc/os-release 2>/dev/null && echo "${ID:-unknown} ${VERSION_ID:-}" || echo unknown)
if [ "$system" != "debian 12" ]; then
  echo "tools/setup.sh: this is not Debian 12 but '$system': nothing is installed here. The build needs what Debian 12 calls ${wanted[*]}." >&2
  exit 0
fi
[ ${#missing[@]} -gt 0 ] || exit 0

install=(apt-get -o DPkg::Lock::Timeout=300)
if [ "$(id -u)" -eq 0 ]; then
  become=(env)
elif command -v sudo >/dev/null; then
  become=(sudo)
  [ -t 0 ] || become+=(-n)
  become+=(env)
else
  printf 'These Debian packages are missing:\n%sInstall them as root, there is no sudo here:\n  apt-get install --no-install-recommends %s\n' \
    "$reasons" "${missing[*]}" >&2
  exit 1
fi

printf 'Installing the Debian packages that are missing:\n%s' "$reasons" >&2
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! "${become[@]}" DEBIAN_FRONTEND=noninteractive "${install[@]}" -q update >"$log" 2>&1 </dev/null; then
  tail -n 5 "$log" >&2
  echo "tools/setup.sh: 'apt-get update' failed; trying with the package lists that are here." >&2
fi
if ! "${become[@]}" DEBIAN_FRONTEND=noninteractive "${install[@]}" -q -y --no-install-recommends install "${missing[@]}" \
  >"$log" 2>&1 </dev/null; then
  tail -n 20 "$log" >&2
  echo "tools/setup.sh: the packages could not be installed (above: the end of apt-get's words)." >&2
  exit 1
fi

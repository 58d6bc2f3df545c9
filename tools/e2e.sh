#!/usr/bin/env bash
# The program under a real Kubernetes control plane: [K8S=VERSION] [OPERATOR=FILE] tools/e2e.sh [CASE...], all cases
# without one. docs/e2e.md tells more. Exit code 2: a name that no case has, a version that there is no module file of, or
# an operator that is no program; 3: this machine cannot run them. What takes long to build is kept in the cache.
set -euo pipefail
cd "$(dirname "$0")/.."
begin=$SECONDS
cannot() {
  echo "SKIPPED: e2e: $*" >&2
  exit 3
}

# A mistyped name is told before anything is built or started.
cases=("$@")
names=$(sed -n 's/^\t{"\([a-z0-9-]*\)", test.*/\1/p' tests/e2e/cases_test.go)
for case in "$@"; do
  grep -qxF -- "$case" <<<"$names" && continue
  echo "tools/e2e.sh: no case has the name '$case'; there are:" >&2
  sed 's/^/  /' <<<"$names" >&2
  exit 2
done

# The newest version of Kubernetes is tests/e2e/controlplane/go.mod's; each older one has a module file beside it.
planes=tests/e2e/controlplane
newest=$(sed -n 's|^\tk8s.io/kubernetes v||p' "$planes/go.mod")
version=${K8S:-$newest}
module=kubernetes-$version
[ "$version" != "$newest" ] || module=go
if [[ "$version" == */* ]] || [ ! -f "$planes/$module.mod" ]; then
  echo "tools/e2e.sh: K8S=$version: the control plane can be built of Kubernetes $newest, and of" >&2
  (cd "$planes" && printf '  %s\n' kubernetes-*.mod | sed 's/kubernetes-//; s/\.mod$//') >&2
  exit 2
fi

# A Flux operator to use in place of the stand-in.
operator=${OPERATOR:-}
if [ -n "$operator" ]; then
  operator=$(readlink -f -- "$operator")
  [ -x "$operator" ] || { echo "tools/e2e.sh: OPERATOR=$OPERATOR is not a program" >&2; exit 2; }
fi

[ "$(id -u)" -eq 0 ] || cannot "the tests make network namespaces: run them as root"
command -v go >/dev/null || cannot "there is no go on PATH: Go 1.26 or newer builds the control plane"
go_version=$(GOTOOLCHAIN=local go env GOVERSION)
printf 'go1.26\n%s\n' "${go_version%% *}" | sort -V -C || cannot "this is $go_version: Go 1.26 or newer builds the control plane"
command -v ip >/dev/null || tools/setup.sh test
command -v ip >/dev/null || cannot "there is no ip on PATH (Debian: iproute2)"
unshare --net --pid --fork --mount true 2>/dev/null || cannot "the kernel lets nobody make namespaces here"

cache=${XDG_CACHE_HOME:-$HOME/.cache}/flux-metrics-api/e2e
mkdir -p "$cache" build/e2e
export GOFLAGS="${GOFLAGS:-} -buildvcs=false -mod=readonly"

# Debian's etcd, unpacked without being installed: a test needs no service.
fetch_etcd() {
  local folder
  command -v apt-get >/dev/null || cannot "there is no etcd on PATH, and no apt-get to get Debian's with"
  folder=$(mktemp -d "$cache/etcd.XXXXXX")
  chmod 755 "$folder"
  (cd "$folder" && { apt-get -q download etcd-server || { apt-get -q update && apt-get -q download etcd-server; }; }) >"$folder/log" 2>&1 ||
    { tail -n 5 "$folder/log" >&2; rm -rf "$folder"; cannot "Debian's etcd-server could not be downloaded"; }
  dpkg-deb -x "$folder"/etcd-server_*.deb "$folder"
  mv "$folder/usr/bin/etcd" "$cache/etcd"
  rm -rf "$folder"
}
etcd=$(command -v etcd || true)
if [ -z "$etcd" ]; then
  etcd=$cache/etcd
  [ -x "$etcd" ] || fetch_etcd
fi

# Kubernetes itself: keyed by its version and by what it is built of. Versions are kept beside each other; what was built
# of other sources of this version, of a version without a module file, or before a name had a version in it, is not.
key=$( (go env GOVERSION; cat "$planes/$module.mod" "$planes/$module.sum" "$planes"/*.go) | sha256sum | cut -c1-16)
plane=$cache/controlplane-$version-$key
if [ ! -x "$plane" ]; then
  echo "Building the control plane of Kubernetes $version once: 8 to 15 minutes on two cores, kept in $cache afterwards." >&2
  stamp=k8s.io/component-base/version
  build=$SECONDS
  (cd "$planes" && go build -modfile="$module.mod" -ldflags "-s -w -X $stamp.gitVersion=v$version -X $stamp.gitTreeState=clean \
    -X $stamp.gitMajor=${version%%.*} -X $stamp.gitMinor=$(cut -d. -f2 <<<"$version")" -o "$plane.$$" .)
  rm -f "$cache"/controlplane-???????????????? "$cache/controlplane-$version"-????????????????
  for old in "$cache"/controlplane-*-????????????????; do
    old_version=${old##*/controlplane-}
    old_version=${old_version%-*}
    [ "$old_version" = "$newest" ] || [ -f "$planes/kubernetes-$old_version.mod" ] || rm -f "$old"
  done
  mv "$plane.$$" "$plane"
  echo "The control plane of Kubernetes $version was built in $((SECONDS - build)) s." >&2
fi

# prometheus-adapter, keyed in the same way, and Debian's Prometheus: for one case only.
wants() {
  [ "${#cases[@]}" -eq 0 ] || grep -qxF -- "$1" < <(printf '%s\n' "${cases[@]}")
}
adapter='' prometheus=''
if wants prometheus-adapter; then
  source=tests/e2e/adapter
  key=$( (go env GOVERSION; cat "$source"/go.mod "$source"/go.sum) | sha256sum | cut -c1-16)
  adapter=$cache/prometheus-adapter-$key
  if [ ! -x "$adapter" ]; then
    echo "Building prometheus-adapter once: 2 to 4 minutes on two cores, kept in $cache afterwards." >&2
    build=$SECONDS
    (cd "$source" && go build -ldflags "-s -w" -o "$adapter.$$" sigs.k8s.io/prometheus-adapter/cmd/adapter)
    rm -f "$cache"/prometheus-adapter-????????????????
    mv "$adapter.$$" "$adapter"
    echo "prometheus-adapter was built in $((SECONDS - build)) s." >&2
  fi
  tools/prometheus.sh
  prometheus=$(command -v prometheus || true)
  [ -n "$prometheus" ] || prometheus=$PWD/build/tools/usr/bin/prometheus
  [ -x "$prometheus" ] || prometheus=''
fi

if [ -z "${FLUX_METRICS_API:-}" ]; then
  tools/build.sh release flux-metrics-api
  FLUX_METRICS_API=$PWD/build/release/src/flux-metrics-api
fi
unformatted=$(gofmt -l tests/e2e)
[ -z "$unformatted" ] || { echo "gofmt would change: $unformatted" >&2; exit 1; }
(cd tests/e2e && go vet ./... && go test -c -o ../../build/e2e/e2e.test .)

logs=$PWD/build/e2e/logs
rm -rf "$logs"
mkdir -p "$logs"
export FLUX_METRICS_API FLUX_METRICS_E2E_CONTROLPLANE=$plane FLUX_METRICS_E2E_ETCD=$etcd FLUX_METRICS_E2E_LOGS=$logs
export FLUX_METRICS_E2E_ADAPTER=$adapter FLUX_METRICS_E2E_PROMETHEUS=$prometheus FLUX_METRICS_E2E_OPERATOR=$operator
pattern='^TestE2E$'
if [ $# -gt 0 ]; then
  pattern+="/.*/^($(IFS='|'; echo "$*"))\$"
fi
status=0
(cd tests/e2e && exec ../../build/e2e/e2e.test -test.run "$pattern" -test.timeout 30m) || status=$?
[ "$status" -eq 0 ] || echo "The logs of all programs are in $logs." >&2
echo "make e2e: $((SECONDS - begin)) s with all builds"
exit "$status"

#!/usr/bin/env bash
# package: github.com/google/cel-go v0.31.0 with k8s.io/apimachinery v0.37.2 (Go), @marcbachmann/cel-js 8.0.0 and
#   cel-js 0.8.2 (npm), cel-python 0.5.0 (PyPI)
# behaviour: replicas of a Scale is an int in an admission policy, as Kubernetes' own JSON decoder makes it one.
#   Decoded by the language's usual one it is a double for cel-go and @marcbachmann/cel-js, which then have no `%`
#   and no `/ 2` for it; cel-js divides with a fraction; cel-python has an int. A comparison with a literal works in
#   all of them, and hides it.
# seen: `object.spec.replicas / 2` of 3: 1 (as in the API server), no such overload (twice), 1.5, 1;
#   `object.spec.replicas <= 4`: true in all.
# what it costs: an admission rule such as "sizes are even" that is tried outside the cluster is thrown away as
#   faulty, or passes there (1.5 * 2 == 3) and denies inside (1 * 2 != 3). int(object.spec.replicas) is the same in
#   all but cel-js, which has no int().
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check cel-python==0.5.0 || exit 2
npm install --silent --no-audit --no-fund --prefix . @marcbachmann/cel-js@8.0.0 cel-js@0.8.2 || exit 2
cat > ask.py <<'PY'
import json, sys
import celpy
from celpy.adapter import json_to_cel

environment = celpy.Environment()
program = environment.program(environment.compile(sys.argv[1]))
print(json.dumps(program.evaluate({"object": json_to_cel(json.loads(sys.argv[2]))}), cls=celpy.CELJSONEncoder))
PY
cat > ask.mjs <<'JS'
const [library, expression, text] = process.argv.slice(2);
const { evaluate } = await import(library);
try {
  console.log(String(evaluate(expression, { object: JSON.parse(text) })));
} catch (error) {
  console.log("error:", error.message.split("\n")[0]);
}
JS
cat > go.mod <<'GO'
module finding
go 1.25
require (
	github.com/google/cel-go v0.31.0
	k8s.io/apimachinery v0.37.2
)
GO
cat > main.go <<'GO'
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/google/cel-go/cel"
	kubernetes "k8s.io/apimachinery/pkg/util/json"
)

func main() {
	environment, err := cel.NewEnv(cel.Variable("object", cel.DynType))
	if err != nil {
		panic(err)
	}
	tree, issues := environment.Compile(os.Args[1])
	if issues.Err() != nil {
		panic(issues.Err())
	}
	program, err := environment.Program(tree)
	if err != nil {
		panic(err)
	}
	decode := json.Unmarshal
	if os.Args[3] == "as the API server" {
		decode = kubernetes.Unmarshal
	}
	var object map[string]any
	if err := decode([]byte(os.Args[2]), &object); err != nil {
		panic(err)
	}
	value, _, err := program.Eval(map[string]any{"object": object})
	if err != nil {
		fmt.Println("error:", err)
		return
	}
	fmt.Println(value)
}
GO
export GOFLAGS=-mod=mod GOWORK=off
go build -o build main.go 2> log || { cat log >&2; exit 2; }
scale='{"spec":{"replicas":3}}'
for rule in "object.spec.replicas <= 4" "object.spec.replicas / 2" "int(object.spec.replicas) / 2"; do
  echo "$rule"
  echo "  as the API server     $(./build "$rule" "$scale" "as the API server")"
  echo "  cel-go                $(./build "$rule" "$scale" "as usual")"
  echo "  @marcbachmann/cel-js  $(node ask.mjs @marcbachmann/cel-js "$rule" "$scale")"
  echo "  cel-js                $(node ask.mjs cel-js "$rule" "$scale")"
  echo "  cel-python            $(venv/bin/python ask.py "$rule" "$scale")"
done | tee seen
diff - seen <<'SEEN' || { echo "changed"; exit 1; }
object.spec.replicas <= 4
  as the API server     true
  cel-go                true
  @marcbachmann/cel-js  true
  cel-js                true
  cel-python            true
object.spec.replicas / 2
  as the API server     1
  cel-go                error: no such overload
  @marcbachmann/cel-js  error: no such overload: dyn<double> / int
  cel-js                1.5
  cel-python            1
int(object.spec.replicas) / 2
  as the API server     1
  cel-go                1
  @marcbachmann/cel-js  1
  cel-js                error: Macros int not recognized
  cel-python            1
SEEN
echo "still so"

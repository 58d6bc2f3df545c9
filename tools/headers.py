"""Proves that headers stand alone: what compiling each by itself would tell, in a third of the time.

Most of what a header costs is what it includes: the standard library, Boost, other headers. Whatever comes before it
in a compilation lends it nothing, and hides no missing include, when the header reaches all of that itself anyway. So
a few precompiled headers hold what many reach (`preludes`), and headers of which each reaches all that the one before
reaches are compiled together (`chains`). Where that fails, each of them is compiled behind its prelude only.
"""
import concurrent.futures
import functools
import os
import pathlib
import re
import subprocess

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^">]+)[">]', re.M)
COUNT = 4  # with 4, nine tenths of the files are precompiled


class Headers:
    """The headers of the source folder `src`; `compiler` is a command that compiles, without files; what is precompiled
    goes to `folder`."""

    def __init__(self, src, compiler, folder):
        self.src, self.compiler, self.folder = src, [*compiler, f"-I{src}"], folder
        self.direct = functools.cache(lambda path: INCLUDE.findall(path.read_text(encoding="utf-8", errors="replace")))
        self.own_and_external = functools.cache(self._own_and_external)
        self.files = functools.cache(self._files)

    def run(self, *arguments):
        return subprocess.run([*self.compiler, *map(str, arguments)], stdin=subprocess.DEVNULL, text=True, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, errors="replace")

    def _own_and_external(self, header):
        """The headers of `src`, itself too, and the names in angle brackets that a header reaches."""
        seen, queue, names = {header}, [header], set()
        while queue:
            for bracket, name in self.direct(queue.pop()):
                if bracket == "<":
                    names.add(name)
                elif (other := self.src / name) not in seen and other.is_file():
                    seen.add(other)
                    queue.append(other)
        return frozenset(seen), frozenset(names)

    def external(self, header):
        return self.own_and_external(header)[1]

    def _files(self, name):
        """The files that #include <name> reads; none when it is not there."""
        done = self.run("-M", "-include", name, "-x", "c++", os.devnull)
        return frozenset(done.stdout.replace("\\\n", " ").split()[1:] if done.returncode == 0 else ())

    def reached(self, header):
        """All external files that a header reads."""
        return frozenset().union(*map(self.files, self.external(header)))

    def preludes(self, headers, count=COUNT):
        """Sets of external names, largest set of files first, that spare these headers the most files to read."""
        reached = {header: self.reached(header) for header in headers}
        names = {reached[header]: self.external(header) for header in headers}
        chosen = []
        spared = {header: 0 for header in headers}
        for _ in range(min(count, len(names))):
            def worth(files):
                return sum(max(0, len(files) - spared[header]) for header in headers if files <= reached[header])
            best = max(sorted(names, key=sorted), key=worth)
            if worth(best) == 0:
                break
            chosen.append(best)
            spared = {header: max(spared[header], len(best) if best <= reached[header] else 0) for header in headers}
        return [(files, sorted(names[files])) for files in sorted(chosen, key=len, reverse=True)]

    def chains(self, headers):
        """The headers in lists; each header of a list reaches all that the one before it reaches."""
        def reached(header):
            return self.own_and_external(header)[0] | self.reached(header)

        chains = []
        for header in sorted(headers, key=lambda header: len(reached(header))):
            fitting = [chain for chain in chains if reached(chain[-1]) <= reached(header)]
            if fitting:
                max(fitting, key=lambda chain: len(reached(chain[-1]))).append(header)
            else:
                chains.append([header])
        return chains

    def check(self, headers, chained=True):
        """{header: what the compiler says, "" when it stands alone}. Of sources, too, but not chained: names clash."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 2) as pool:
            list(pool.map(self.files, sorted(set().union(*map(self.external, headers)))))
            preludes = self.preludes(headers)
            made = list(pool.map(self.precompile, range(len(preludes)), (names for _, names in preludes)))
            behind = {path: [] for path in [*made, None]}
            for header in headers:
                path = next((path for path, (files, _) in zip(made, preludes) if files <= self.reached(header)), None)
                behind[path].append(header)

            def compile_chain(path, chain):
                includes = [word for file in [*([path] if path else []), *chain] for word in ("-include", file)]
                done = self.run("-fsyntax-only", *includes, "-x", "c++", os.devnull)
                if done.returncode == 0:
                    return {header: "" for header in chain}
                if len(chain) == 1:
                    return {chain[0]: done.stdout or f"exit {done.returncode}"}
                return {header: said for one in chain for header, said in compile_chain(path, [one]).items()}

            chains = [(path, chain) for path, members in behind.items()
                      for chain in (self.chains(members) if chained else [[member] for member in members])]
            results = pool.map(compile_chain, *zip(*chains))
            return {header: said for result in results for header, said in result.items()}

    def precompile(self, number, names):
        path = self.folder / f"prelude{number}.hpp"
        path.write_text("".join(f"#include <{name}>\n" for name in names), encoding="utf-8")
        done = self.run("-x", "c++-header", path, "-o", f"{path}.gch")
        if done.returncode != 0:
            raise RuntimeError(f"cannot precompile {', '.join(names)}:\n{done.stdout}")
        return path

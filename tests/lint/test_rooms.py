#!/usr/bin/env python3
"""Bad little trees, and the complaint that each must get from rooms.py."""
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

import rooms

TABLE = """
# fluxmetrics_room(ghost ROOMS base) is only a comment
fluxmetrics_room(base                    LIBS fmt::fmt)
fluxmetrics_room(flux     ROOMS base)
fluxmetrics_room(http     ROOMS base     LIBS OpenSSL::SSL)
fluxmetrics_room(api      ROOMS flux http)
fluxmetrics_room(commands
  ROOMS api
  LIBS CLI11::CLI11)
"""


class Rules(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.tree = pathlib.Path(folder.name)
        for room in ("base", "flux", "http", "api", "commands"):
            self.write(f"src/{room}/{room}.hpp", "#pragma once\n")
        self.write("src/CMakeLists.txt", TABLE)

    def write(self, name, text):
        path = self.tree / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def demand(self, *expected):
        """Exactly these complaints, each recognised by its beginning and a word of its sentence."""
        found = rooms.check(self.tree)
        self.assertEqual(len(found), len(expected), found)
        for complaint, (where, word) in zip(found, expected):
            self.assertTrue(complaint.startswith(where), f"{complaint!r} is not about {where!r}")
            self.assertIn(word, complaint)

    def test_good_tree(self):
        self.write("src/api/x.cpp", '#include "api/api.hpp"\n#include "flux/flux.hpp"\n#include "base/base.hpp"\n#include <x>\n')
        self.write("src/http/tls.cpp", "#include <boost/beast/http.hpp>\n#include <boost/asio/ssl.hpp>\n")
        self.write("src/commands/cli.cpp", "#include <CLI/CLI.hpp>\n")
        self.write("src/base/log.cpp", "#include <spdlog/spdlog.h>\n")
        self.write("tests/unit/api/x_test.cpp", '#include "api/api.hpp"\n')
        self.demand()

    def test_room_not_in_the_table(self):
        self.write("src/flux/x.cpp", '\n#include "http/http.hpp"\n')
        self.demand(("src/flux/x.cpp:2:", "'flux' may not use room 'http'"))

    def test_lower_room_uses_a_higher_one(self):
        self.write("src/base/base.hpp", '  #  include "commands/commands.hpp"\n')
        self.demand(("src/base/base.hpp:1:", "'base' may not use room 'commands'"))

    def test_through_another_room_is_allowed(self):
        self.write("src/commands/x.cpp", '#include "base/base.hpp"\n')
        self.demand()

    def test_relative_and_unknown_includes(self):
        self.write("src/flux/x.cpp", '#include "flux.hpp"\n#include "../base/base.hpp"\n#include "nowhere/x.hpp"\n')
        self.demand(("src/flux/x.cpp:1:", "ROOM/"), ("src/flux/x.cpp:2:", "ROOM/"), ("src/flux/x.cpp:3:", "in no room"))

    def test_directory_that_is_no_room(self):
        self.write("src/ghost/x.cpp", "\n")
        self.demand(("src/ghost:", "is no room"))

    def test_table_that_names_no_room_or_an_unknown_one(self):
        self.write("src/CMakeLists.txt", TABLE + "fluxmetrics_room(kube ROOMS htpp)\n")
        self.demand(("src/CMakeLists.txt:", "'htpp'"))
        self.write("src/CMakeLists.txt", "add_library(x)\n")
        self.assertIn("empty", rooms.check(self.tree)[0])
        (self.tree / "src" / "CMakeLists.txt").unlink()
        self.assertIn("no table", rooms.check(self.tree)[0])

    def test_file_beside_the_rooms(self):
        self.write("src/loose.cpp", "\n")
        self.demand(("src/loose.cpp:", "lives in a room"))

    def test_circle_of_units(self):
        self.write("src/api/a.hpp", '#include "api/b.hpp"\n')
        self.write("src/api/b.hpp", "#pragma once\n")
        self.write("src/api/b.cpp", '#include "api/b.hpp"\n#include "api/c.hpp"\n')
        self.write("src/api/c.hpp", '\n#include "api/a.hpp"\n#include "flux/flux.hpp"\n')
        self.write("src/api/user.cpp", '#include "api/a.hpp"\n')  # leads into the circle, is no part of it
        self.demand(("src/api/c.hpp:2:", "api/a includes api/c too, directly or not: a circle of api/a, api/b, api/c"))

    def test_two_circles(self):
        for one, two in ("ab", "xy"):
            self.write(f"src/api/{one}.hpp", f'#include "api/{two}.hpp"\n')
            self.write(f"src/api/{two}.hpp", f'#include "api/{one}.hpp"\n')
        self.demand(("src/api/b.hpp:1:", "a circle of api/a, api/b"), ("src/api/y.hpp:1:", "a circle of api/x, api/y"))

    def test_header_and_source_are_one_unit(self):
        self.write("src/api/a.hpp", "#pragma once\n")
        self.write("src/api/a.cpp", '#include "api/a.hpp"\n#include "api/b.hpp"\n')
        self.write("src/api/b.hpp", "#pragma once\n")
        self.write("src/api/b.cpp", '#include "api/b.hpp"\n')
        self.demand()

    def test_prefix_that_wants_a_room(self):
        # Neither the bare word nor "jobs" counts.
        for name in ("job", "job_a", "job_b", "job_c", "job_d", "job_e", "jobs_x"):
            self.write(f"src/flux/{name}.hpp", "#pragma once\n")
            self.write(f"src/flux/{name}.cpp", f'#include "flux/{name}.hpp"\n')
        self.write("src/api/job_f.hpp", "#pragma once\n")
        self.demand()
        self.write("src/flux/job_f.cpp", "\n")
        self.demand(("src/flux:", "6 units begin with 'job_'"))

    def test_own_header_comes_first(self):
        self.write("src/flux/x.hpp", "#pragma once\n")
        self.write("src/flux/x.cpp", '#include <string>\n\n#include "flux/x.hpp"\n')
        self.write("src/api/y.hpp", "#pragma once\n")
        self.write("src/api/y.cpp", "\n")
        self.write("src/http/z.h", "#pragma once\n")
        self.write("src/http/z.cpp", '#include "http/http.hpp"\n#include "http/z.h"\n')
        self.demand(("src/api/y.cpp:", '"api/y.hpp" first'), ("src/flux/x.cpp:1:", '"flux/x.hpp" first'),
                    ("src/http/z.cpp:1:", '"http/z.h" first'))

    def test_beast_in_a_header(self):
        self.write("src/http/http.hpp", "#include <boost/beast/core.hpp>\n")
        self.demand(("src/http/http.hpp:1:", "a header includes Beast"))

    def test_beast_and_ssl_elsewhere(self):
        self.write("src/api/x.cpp", "#include <boost/beast.hpp>\n")
        self.write("src/flux/x.cpp", '#include "boost/asio/ssl/stream.hpp"\n')
        self.write("tests/unit/api/x_test.cpp", "#include <boost/asio/ssl.hpp>\n")
        self.demand(("src/flux/x.cpp:1:", "in no room"), ("src/api/x.cpp:1:", "src/http only"),
                    ("src/flux/x.cpp:1:", "src/http only"), ("tests/unit/api/x_test.cpp:1:", "src/http only"))

    def test_beast_in_four_files(self):
        for name in "abcd":
            self.write(f"src/http/{name}.cpp", "#include <boost/beast/http.hpp>\n")
        self.demand(("src/http/d.cpp:", "4 files of src/http: 3 is the most"))

    def test_plain_asio_is_free(self):
        self.write("src/flux/x.cpp", "#include <boost/asio/ip/tcp.hpp>\n#include <boost/json.hpp>\n")
        self.demand()

    def test_cli11_and_spdlog(self):
        for name in "ab":
            self.write(f"src/commands/{name}.cpp", "#include <CLI/CLI.hpp>\n")
        self.write("src/api/x.cpp", "#include <spdlog/spdlog.h>\n")
        self.demand(("src/commands/b.cpp:", "1 is the most"), ("src/api/x.cpp:1:", "src/base only"))

    def test_long_file(self):
        self.write("src/flux/fits.cpp", "\n" * 600)
        self.write("src/flux/long.cpp", "\n" * 601)
        self.demand(("src/flux/long.cpp:601:", "601 lines"))

    def test_promises_and_machine_paths(self):
        self.write("README.md", "later\nTO" "DO: the rest\n")
        self.write("tools/x.sh", "cd /ro" "ot/things\nmktemp XXXX" "XX; cp $HOME/wo" "rk/x example.org/wo" "rk/y .\n")
        self.write("docs/x.md", "see /wo" "rk/main and PATH=/opt/fl" "ux/bin\n")
        self.write("tests/data/raw.json", '"/ro' 'ot/x TO' 'DO"')
        self.write("build/x.txt", "FIX" "ME")
        self.demand(("README.md:2:", "TO" "DO"), ("docs/x.md:1:", "one machine"), ("tools/x.sh:1:", "one machine"))

    def test_exit_codes(self):
        script = pathlib.Path(rooms.__file__)
        run = lambda: subprocess.run([sys.executable, "-B", script, self.tree], capture_output=True, text=True,
                                     env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}, check=False)
        self.assertEqual(run().returncode, 0)
        self.write("src/ghost/x.cpp", "\n")
        bad = run()
        self.assertEqual(bad.returncode, 1)
        self.assertIn("ghost", bad.stdout)


if __name__ == "__main__":
    unittest.main()

"""The helpers that every other test leans on."""
import pathlib
import subprocess
import sys
import unittest

import harness

HERE = pathlib.Path(__file__).resolve().parent
# Prints 300 ports, one after the other, then holds them until its standard input ends.
MANY = "import harness, sys\nfor _ in range(300): print(harness.free_port(), flush=True)\nsys.stdin.read()"


class Ports(unittest.TestCase):
    def test_no_port_is_given_twice_nor_lent_by_the_kernel_to_a_connection(self):
        tests = [subprocess.Popen([sys.executable, "-B", "-c", MANY], cwd=HERE, text=True, stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE) for _ in range(4)]
        ports = []
        try:
            for test in tests:
                ports += [int(test.stdout.readline()) for _ in range(300)]
        finally:
            for test in tests:
                test.communicate(timeout=harness.DEADLINE)
        self.assertEqual(len(set(ports)), 4 * 300)
        first = int(pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").read_text(encoding="ascii").split()[0])
        if first >= 32000:  # as it is unless somebody has widened the range
            self.assertLess(max(ports), first)


if __name__ == "__main__":
    harness.main()

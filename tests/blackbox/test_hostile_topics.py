"""One wrong reply of each kind, to every question that the collector asks in each period of contact."""
import unittest

import harness
import hostile
from badbroker import MIB, NONE, fails, says
from hostile import Case


def nested(depth):
    return "[" * depth + "]" * depth


# What is asked in every period of contact, and whether its failure makes the state unknown.
POLLED = ("attr.get", "state-machine.get", "resource.status", "job-manager.resource-status", "job-list.job-stats",
          "job-manager.queue-list", "job-manager.queue-status")

# One wrong reply each, of every topic.
ANYWHERE = (
    ("no JSON", says('{"a":'), "is not JSON"),
    ("an empty payload", says(""), "is not JSON"),
    ("not UTF-8", says(b'{"\xff\xfe": 1}'), "is not JSON"),
    ("no payload", lambda reply: [reply.encoded(NONE)], "is not JSON"),
    ("a number", says("5"), "."),
    ("null", says("null"), "."),
    ("an array", says("[]"), "."),
    ("nested deeply", says(nested(100_000)), "deep|is not JSON"),
    ("4 MiB of numbers", says("[" + "0," * (2 * MIB) + "0]"), "."),
    ("48 MiB of numbers", says("[" + "0," * (24 * MIB) + "0]"), "larger|limit"),
    ("errno 5, no text", lambda reply: [reply.encoded(NONE, errnum=5)], "[Ii]nput/output error"),
    ("errno 5, a megabyte of text", fails(5, b"broken\n" * 150_000), "broken"),
    ("errno 5, terminal codes", fails(5, b"\x1b[2Jred\r\nfoo \xff\x00bar"), "red"),
    ("an errno that is none", fails(4_000_000_000), "."),
)


def anywhere_cases():
    return [Case(f"{topic}: {name}", words, {topic: corruption}, asks=topic)
            for topic in POLLED for name, corruption, words in ANYWHERE]


class Topics(unittest.TestCase):
    def test_every_topic(self):
        with harness.Simulator(size=2, max_size=4, cores=4) as simulator:
            hostile.run_cases(self, simulator, anywhere_cases(), lanes=8)


if __name__ == "__main__":
    harness.main()

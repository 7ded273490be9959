"""What of a call is booked, by rule. Pure; the help page and a test read this very table."""

from __future__ import annotations

BOOKING_RULES = {
    "answered": "An answer is booked by the tokens that the provider counted, at the prices, tier "
    "and exchange rate of the call's admission.",
    "kinds": "Cached input is part of the input and reasoning part of the output, each booked "
    "once; a provider that counts reasoning beside its output has it added. Images are counted "
    "as they are sent.",
    "retried": "Each attempt that costs is a line of its own. One that the provider refused or did "
    "not answer costs nothing.",
    "repaired": "A repair is an attempt: it is booked even when its answer is not used.",
    "judged": "A second model's verdict is an attempt of the call too: a line of its own, described as "
    "“verdict”, also where what it said is no verdict.",
    "unusable": "An answer that nobody can read is booked by the usage that came with it, else by "
    "an upper estimate of one token for two characters.",
    "stream cut": "Of a stream that breaks off, what had come is booked by that estimate. A caller "
    "who leaves changes nothing: the answer is booked to its end.",
    "cache hit": "An answer from the cache has no line: no provider was asked.",
    "failed": "A call that no provider answered has no line, and its hold is given back.",
    "cancelled": "A call that is cancelled before a worker began it has no line.",
    "blocked after answer": "An answer that a screen blocks is booked: it was paid for.",
    "degraded": "The approved text for when no model answers costs nothing.",
    "lost": "Of a call whose process died, what a stream was heard to say is booked; else its hold "
    "waits in suspense until finance says what was billed.",
}

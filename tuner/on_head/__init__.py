"""What a client has done on the head of a cluster, by jobs of Ray: `python -m tuner.on_head WHAT`.

    run     look after a sweep: wait for its turn, run `tuner run`, start it again when it dies
    ask     where sweeps stand
    fetch   what a sweep has come to, to be taken along
    look    what is installed here, and whether it works
    stopped that a sweep was stopped, and is not to go on by itself
    restore what the head was at work on when it was lost; called where the head is started

Those in the middle write one line that begins with MARK, and JSON after it.
"""

MARK = "tuner-answer: "

"""What a trial table tells beyond who has won: pure functions of it, in numbers. No pictures.

    strategies    the values of a choice side by side, compared with replicates that did not choose
    study         the trials as Optuna knows them; importances: which parameter matters, for what
    rungs         who was stopped when, and whether those that were would have won
    time_spent    where the time went
    advice        what to try next

`tuner/figures` draws them, `tuner/report.py` tells them.
"""

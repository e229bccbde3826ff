"""What is worth attacking, who may try, and what they could try. The guards and their tests are marked in the tests."""

from __future__ import annotations

from dataclasses import dataclass

ASSETS = {
    "money": "what customers paid, owe or have in their balance, and the credits that it bought",
    "decisions": "who said that money arrived, and the history that proves it",
    "payees": "where customers are told to send money",
    "identity": "log-ins, sessions, tokens, links in mails",
    "personal data": "names, addresses, tax numbers, references of payments",
    "reputation": "mail in the operator's name, to people who trust it",
    "service": "pages, API, the desk and the workers, at a speed that people can work with",
}

ACTORS = {
    "stranger": "anybody who reaches the pages; no log-in",
    "customer": "anybody who has filled in the sign-up form: owners, admins, members and viewers of an account",
    "former person": "somebody who was staff, or belonged to an account, and does not any more",
    "staff": "somebody with a duty, acting alone and against the operator",
    "application": "whatever speaks to the database with the application's role: a bug, or stolen credentials",
    "owner of the tables": "the database's administrator, who may change every row",
    "neighbour": "another process or person on the same machine or network",
    "trouble": "no person: a database that stands still, a mail server that hangs, a process that dies",
}


@dataclass(frozen=True)
class Threat:
    """`answer` is for what no test of ours can show."""

    actor: str
    asset: str
    tries: str
    answer: str = ""


THREATS = {
    "S1": Threat("customer", "money", "Move the time zone so that a trial or an overdue invoice never ends"),
    "S2": Threat("customer", "money", "Step up on the last day: a month of credits for the price of a day"),
    "S3": Threat("customer", "reputation", "Have mail sent to strangers: a foreign billing address, many changes"),
    "S4": Threat("customer", "decisions", "Bury honest claims under hundreds of false ones"),
    "S5": Threat("customer", "identity", "Prepare an account for somebody who has not signed up yet, or lock them out"),
    "S6": Threat("staff", "money", "Decide on the money of an account that one belongs, or belonged, to"),
    "S7": Threat("staff", "decisions", "Make oneself, or a friend, somebody who may approve"),
    "S8": Threat("customer", "decisions", "Ask to be forgotten, and so wipe rows of others"),
    "S9": Threat("neighbour", "personal data", "Use a demo that listens to the network with public passwords"),
    "S10": Threat("staff", "payees", "Change where customers send their money"),
    "S11": Threat("staff", "money", "Make credits or balance without limit by one call"),
    "S12": Threat("customer", "service", "Use the limits of a plan that nobody has paid for"),
    "S13": Threat("customer", "money", "Have one trial after the other by one mailbox"),
    "S14": Threat("customer", "money", "Claim one transfer twice, by another method or in another script"),
    "S15": Threat("customer", "money", "Hold the clock of an overdue invoice by claims that are withdrawn"),
    "S16": Threat("stranger", "identity", "Guess passwords, or get rights, without anybody hearing of it"),
    "S17": Threat("neighbour", "decisions", "Use a staff browser that was left open, or its cookie"),
    "S18": Threat("application", "decisions", "Change who submitted, who decided, or what an issued invoice says"),
    "S19": Threat("customer", "money", "Use up an account's credits as its least member"),
    "S20": Threat("neighbour", "identity", "Read links that set passwords, or become the database's superuser"),
    "S21": Threat("customer", "identity", "Learn the log-in names of staff"),
    "S22": Threat("stranger", "decisions", "Sign up with the address of a former person and become them"),
    "S23": Threat("stranger", "service", "Keep connections busy with slow questions"),
    "S24": Threat("stranger", "service", "Make probes and open pages expensive"),
    "S25": Threat("customer", "personal data", "Learn who is known here; look like somebody else on the desk"),
    "S26": Threat(
        "customer",
        "money",
        "Use a year's credits at once and recall the transfer",
        "Open: credits of a year are granted together",
    ),
    "S27": Threat("neighbour", "service", "Replace an image under its tag; talk to a cache without a password"),
    "S28": Threat("staff", "service", "Save settings that no code can read"),
    "F1": Threat("trouble", "service", "A database that stands still takes requests and probes with it"),
    "F2": Threat("trouble", "service", "A worker that fails for good looks as if it had ended well"),
    "F4": Threat("trouble", "reputation", "A mail server without an answer gets the same mail again and again"),
    "F6": Threat("stranger", "service", "Fill the log with tracebacks by a wrong Host"),
    "self": Threat("staff", "decisions", "Approve a payment that one submitted or recorded oneself"),
    "overdraw": Threat("application", "money", "Use more credits than there are"),
    "twice": Threat("application", "money", "Grant a period's credits a second time"),
    "replay": Threat("former person", "personal data", "Repeat a request under its key to read an answer of before"),
    "deadlock": Threat("trouble", "service", "Two settlements wait for each other"),
    "history": Threat("owner of the tables", "decisions", "Change, remove or add a row of the history, unseen"),
}

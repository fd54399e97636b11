"""A reply to finance's mail about a close: an approval, or a text that approves nothing (H7).

Every reply of finance is answered with the drafts it let go, and with the others. A reply of
anybody else is told to finance.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from daemon.desk.incoming import requests
from daemon.desk.letters.to_office import ApprovalAnswer, DraftLine, TriedApproval
from daemon.desk.month import approving, finance
from daemon.desk.outgoing.mailing import Post, thread_of
from daemon.desk.tickets.conversation import directly_answered
from daemon.desk.tickets.turn import Outcome, Turn
from daemon.domain.money import total
from daemon.domain.register import Person
from daemon.store import rows
from daemon.store.mail.outbox import Sent
from daemon.store.money import register
from daemon.store.money.statements import Frozen
from parsers.assent import Approval, read_approval
from parsers.subject import is_forward
from parsers.tags import read_tags

_CLOSE, _ANSWER = "close", "approval"  # kinds of our mails: about a close, and an answer of ours
_EXCERPT = 400
_TOLD = 5  # tries an hour and mail that finance is told of: a flood of replies makes no flood


def is_about(turn: Turn, answered: Sent | None) -> bool:
    """Tell if a message answers a mail whose drafts wait for finance, or have waited."""
    if answered is None or answered.kind not in {_CLOSE, _ANSWER}:
        return False
    if turn.desk.settings.accounting.approval == "finance":
        return True
    return any(each.state == "approval" for each in approving.asked_in(turn.tx, answered))


def take(turn: Turn, person: Person | None, answered: Sent) -> Outcome | None:
    """Act on a proven reply, and answer it; None for one with tags, which is read on."""
    if not finance.is_finance(turn.tx, turn.desk, turn.mail.sender):
        tried(turn, answered, own=True)
        letter = _letter(answered, "not_finance", turn)
    else:
        letter = _of_finance(turn, answered)
    _answer(turn, person, answered, letter)
    if read_tags(turn.mail.body.new):
        return None
    return Outcome("approved" if letter.approved else "not-approved")


def unproven(turn: Turn, answered: Sent, reason: str) -> Outcome:
    """Hold a reply in the name of finance without proof (D1), and tell the address once.

    It is no address of the register's: no confirmation is asked for. A proof that comes late, with
    the DNS or a copy, lets the message act.
    """
    letter = _waiting(turn, answered, "unproven")
    post = _post(turn, None, answered, f"approval:unproven:{answered.id}:{turn.mail.sender}")
    turn.post(letter, post)
    requests.hold(turn, None, reason)
    return Outcome("held", state="held", reason=reason)


def tried(turn: Turn, answered: Sent, *, own: bool) -> None:
    """Tell finance of the reply of somebody else; beyond some an hour, events alone keep them."""
    mail = turn.mail
    turn.by().record(None, "approval-tried", month=approving.month_of(answered))
    if rows.count_up(turn.tx, f"tried:{answered.id}:{turn.now:%Y-%m-%dT%H}") > _TOLD:
        return
    turn.post(
        TriedApproval(
            approving.month_of(answered),
            f"{mail.sender_name} <{mail.sender}>" if mail.sender_name else mail.sender,
            mail.received_at,
            _written(turn),
            own,
        ),
        Post(
            key=f"tried:{mail.inbox_id}",
            kind="tried",
            to=finance.readers(turn.tx, turn.desk),
            inbox_id=mail.inbox_id,
        ),
    )


def _of_finance(turn: Turn, answered: Sent) -> ApprovalAnswer:
    """Carry out the approval of a reply, or find the reason why it is none."""
    itself = directly_answered(turn)
    if itself is None or itself.kind != _CLOSE:
        return _waiting(turn, answered, "other_mail")
    if is_forward(turn.mail.message.subject) or turn.mail.body.forwarded:
        return _waiting(turn, itself, "forwarded")
    asked = approving.asked_in(turn.tx, itself)
    names = _names(turn, asked)
    approval = read_approval(turn.mail.body, {*names.keys(), *names.values()}, _own_names(turn))
    if approval is None:
        return _waiting(turn, itself, "not_understood")
    if approval.unknown:
        letter = _waiting(turn, itself, "unknown_name")
        return replace(letter, unknown=approval.unknown)
    return _approved(turn, itself, asked, names, approval)


def _approved(
    turn: Turn, close: Sent, asked: Sequence[Frozen], names: Mapping[str, str], approval: Approval
) -> ApprovalAnswer:
    excepted = _meant(names, approval.excepted)
    wanted = [each for each in asked if each.customer_key not in excepted]
    outcome = approving.approve(turn.by(), wanted)
    waiting = [e for e in asked if e.customer_key in excepted and e.state == "approval"]
    return ApprovalAnswer(
        approving.month_of(close),
        approved=tuple(_line(names, each) for each in outcome.approved),
        total=total(each.net for each in outcome.approved),
        waiting=tuple(_line(names, each, "excepted") for each in waiting),
        others=tuple(
            _line(names, each.statement, each.why) for each in outcome.kept if each.why != "nothing"
        ),
    )


def _waiting(turn: Turn, close: Sent, problem: str) -> ApprovalAnswer:
    """The answer to a reply that approves nothing, with everything that waits."""
    asked = approving.asked_in(turn.tx, close)
    names = _names(turn, asked)
    waiting = (_line(names, each, "waiting") for each in asked if each.state == "approval")
    return replace(_letter(close, problem, turn), waiting=tuple(waiting))


def _letter(close: Sent, problem: str, turn: Turn) -> ApprovalAnswer:
    month, written = approving.month_of(close), _written(turn)
    return ApprovalAnswer(month, (), total(()), (), (), problem=problem, written=written)


def _written(turn: Turn) -> str:
    return turn.mail.body.new.strip()[:_EXCERPT]


def _own_names(turn: Turn) -> tuple[str, ...]:
    """The sender's names for a signature: the registered one, else that of the proven From."""
    person = register.person_by_address(turn.tx, turn.mail.sender)
    return (person.name if person else turn.mail.sender_name,)


def _names(turn: Turn, asked: Iterable[Frozen]) -> Mapping[str, str]:
    """The names of the customers of some statements, by key."""
    keys = {each.customer_key for each in asked}
    everybody = register.customers(turn.tx, ended=True)
    return {each.key: each.name for each in everybody if each.key in keys}


def _meant(names: Mapping[str, str], written: Iterable[str]) -> frozenset[str]:
    """The keys of customers that a reply names, by key or by name."""
    meant = {each.casefold() for each in written}
    return frozenset(k for k, name in names.items() if {k.casefold(), name.casefold()} & meant)


def _line(names: Mapping[str, str], frozen: Frozen, why: str = "") -> DraftLine:
    return DraftLine(names[frozen.customer_key], frozen.customer_key, frozen.net, why)


def _answer(turn: Turn, person: Person | None, answered: Sent, letter: ApprovalAnswer) -> None:
    post = _post(turn, person, answered, f"approval:{turn.mail.inbox_id}")
    # J2: only a reply to the mail itself is answered without limit: a robot that answers each
    # answer of ours would never end.
    limited = letter.problem in {"other_mail", "not_finance"}
    turn.post(letter, replace(post, answer=limited))


def _post(turn: Turn, person: Person | None, answered: Sent, key: str) -> Post:
    mail = turn.mail
    to = (person.name, person.email) if person else (mail.sender_name, mail.sender)
    return Post(
        key=key,
        kind=_ANSWER,
        to=(to,),
        language=turn.language,
        inbox_id=mail.inbox_id,
        about=answered.about,
        in_reply_to=mail.message.message_id,
        references=thread_of(mail.message.message_id, mail.message.references),
    )

"""The reasons a receipt can give: for a refused tag (`Refused.why`), for an answer that stayed."""

REFUSALS = (
    "unit_missing",
    "bad_amount",
    "bad_date",
    "future_date",
    "no_value",
    "bad_value",
    "unknown_customer",
    "unknown_person",
    "unknown_ticket",
    "which_ticket",
    "other_customer",
    "not_allowed",
    "in_subject",
    "no_ticket",
    "more_than_booked",
    "nothing_to_undo",
    "duplicate",
    "automatic",
    "new_mail",
)


NOT_RELAYED = (
    "internal",
    "near_internal",
    "cutting_failed",
    "no_text",
    "direct",
    "no_recipient",
    "no_ticket",
    "encrypted",
    "quotes_internal",
    "other_address",
    "other_customer",
    "not_conversation",
    "not_engineer",
    "only_tags",
)

"""Triggers that note a change of what governs calls."""

# Every column counts but those that a call itself writes.
WATCHED = (
    "access_team",
    "approvals_approval",
    "catalogue_prompt",
    "catalogue_promptversion",
    "model_cards_deployment",
    "model_cards_modelcard",
    "model_cards_price",
    "registry_usecase",
    "releases_release",
)

NOTE_FUNCTION = """
CREATE FUNCTION gateway_note_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO gateway_governingchange DEFAULT VALUES;
    RETURN NULL;
END $$;
"""
NOTE_TRIGGER = """
CREATE TRIGGER gateway_note_change AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION gateway_note_change();
ALTER TABLE {table} ENABLE ALWAYS TRIGGER gateway_note_change;
"""
# A key is written by its own use once a minute; only what decides about it counts.
NOTE_KEYS = """
CREATE TRIGGER gateway_note_change AFTER DELETE OR TRUNCATE OR UPDATE OF
    use_case_id, use_case_slug, team_id, prefix, secret_hash, scopes, requests_per_minute,
    expires_at, revoked_at ON access_apikey
    FOR EACH STATEMENT EXECUTE FUNCTION gateway_note_change();
ALTER TABLE access_apikey ENABLE ALWAYS TRIGGER gateway_note_change;
"""
# The rules of the screens came after the first tables, with a migration of their own.
NOTE_RULES = "".join(
    NOTE_TRIGGER.format(table=table) for table in ("policy_ruleset", "policy_rulesetversion")
)
FORGET_RULES = "".join(
    f"DROP TRIGGER gateway_note_change ON {table};"
    for table in ("policy_ruleset", "policy_rulesetversion")
)
# So did exchange rates.
NOTE_RATES = NOTE_TRIGGER.format(table="model_cards_exchangerate")
FORGET_RATES = "DROP TRIGGER gateway_note_change ON model_cards_exchangerate;"
# So did the intake rules, of which some hold answers.
NOTE_INTAKE = NOTE_TRIGGER.format(table="intake_intakeruleversion")
FORGET_INTAKE = "DROP TRIGGER gateway_note_change ON intake_intakeruleversion;"
NOTE_CHANGES = (
    NOTE_FUNCTION + "".join(NOTE_TRIGGER.format(table=table) for table in WATCHED) + NOTE_KEYS
)
FORGET_CHANGES = "".join(
    f"DROP TRIGGER gateway_note_change ON {table};" for table in (*WATCHED, "access_apikey")
) + ("DROP FUNCTION gateway_note_change();")

GENERATION = """
SELECT count(*), coalesce(min(id), 0), coalesce(max(id), 0), clock_timestamp()
FROM gateway_governingchange
"""

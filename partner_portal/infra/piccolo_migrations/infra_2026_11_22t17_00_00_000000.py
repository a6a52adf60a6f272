"""The words by which things are found, kept by the database, each tenant's behind its wall."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from partner_portal.infra import wall
from partner_portal.infra.migrations import run_sql

ID = "2026-11-22T17:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "words to be found by"

# No table of Piccolo's: nothing but the trigger writes it, and a row is its own key.
TABLE = """
CREATE TABLE infra_search_word (
    tenant uuid NOT NULL,
    kind varchar(20) NOT NULL,
    word text COLLATE "C" NOT NULL,
    "row" uuid NOT NULL,
    PRIMARY KEY (tenant, kind, word, "row")
)
"""

# Lower case without accents. A word ends at white space; what punctuation separates inside it ("noord-holland", "NRD-C-00042", "ida@inkt.example.com")
# is found from each of its parts on, written as one ("noordholland", "holland"). Numbers lose the zeros in front. U+2000 to U+206F is punctuation too,
# with the marks that turn the direction of writing.
WORDS = r"""
CREATE FUNCTION portal_words(said text) RETURNS text[] LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT array_agg(left(array_to_string(parts[nth:], ''), 60) ORDER BY place, nth)
      FROM (SELECT place, ARRAY(SELECT CASE WHEN m[1] ~ '^[0-9]' THEN coalesce(nullif(ltrim(m[1], '0'), ''), '0') ELSE m[1] END
                                  FROM regexp_matches(left(chunk, 320), '[0-9]+|[^0-9\u0001-\u0020!-/:-@\[-`{-\u00bf\u2000-\u206f]+', 'g') m LIMIT 12) AS parts
              FROM regexp_split_to_table(
                       replace(replace(replace(translate(lower(regexp_replace(normalize(said, NFKD), '[\u0300-\u036f]', '', 'g')), 'øłđðħı', 'olddhi'),
                                               'ß', 'ss'), 'æ', 'ae'), 'œ', 'oe'), '\s+')
                   WITH ORDINALITY AS c(chunk, place)) found,
           generate_subscripts(parts, 1) nth
$$
"""

# Runs as its owner, so that no door needs, or has, the right to write what is found.
FINDABLE = """
CREATE FUNCTION portal_findable() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    was jsonb := CASE WHEN TG_OP = 'INSERT' THEN '{}'::jsonb ELSE to_jsonb(OLD) END;
    becomes jsonb := CASE WHEN TG_OP = 'DELETE' THEN '{}'::jsonb ELSE to_jsonb(NEW) END;
    before text[]; after text[];
BEGIN
    SELECT portal_words(coalesce(string_agg(was ->> name, ' '), '')), portal_words(coalesce(string_agg(becomes ->> name, ' '), ''))
      INTO before, after FROM unnest(TG_ARGV[1:]) AS name;
    DELETE FROM infra_search_word w
     WHERE w.tenant = (was ->> 'tenant')::uuid AND w.kind = TG_ARGV[0] AND w."row" = (was ->> 'id')::uuid
       AND w.word IN (SELECT unnest(before) EXCEPT SELECT unnest(after));
    INSERT INTO infra_search_word (tenant, kind, word, "row")
    SELECT (becomes ->> 'tenant')::uuid, TG_ARGV[0], new_word, (becomes ->> 'id')::uuid
      FROM (SELECT unnest(after) EXCEPT SELECT unnest(before)) AS added(new_word);
    RETURN NULL;
END $$
"""

STATEMENTS = [
    TABLE,
    WORDS,
    FINDABLE,
    "REVOKE EXECUTE ON FUNCTION portal_findable() FROM PUBLIC",
    # Rows have no id, and nothing refers to them.
    *(statement for statement in wall.around("infra_search_word", app="SELECT", staff="") if "UNIQUE INDEX" not in statement),
]


async def forwards() -> MigrationManager:
    """Things can be found as soon as their tables say by what."""
    manager = MigrationManager(migration_id=ID, app_name="infra", description=DESCRIPTION)

    async def build() -> None:
        await run_sql(STATEMENTS)

    manager.add_raw(build)
    return manager

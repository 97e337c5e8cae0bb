-- PostgreSQL's side of a posting: the contract of the plugin `gl`, in plpgsql. A request in, the reply out, one transaction.
--
-- All that is judged without the state of the books comes first. Then the entity's row is locked: its postings queue there,
-- which is what numbers without gaps and a hash chain ask for, and the lock is held until the commit is flushed.

CREATE TABLE entities (
  entity text PRIMARY KEY,
  functional text NOT NULL,
  length bigint NOT NULL DEFAULT 0,
  head text NOT NULL DEFAULT '',
  numbers jsonb NOT NULL DEFAULT '{}'
) WITH (fillfactor = 20);

CREATE TABLE currencies (
  entity text NOT NULL,
  code text NOT NULL,
  scale int NOT NULL,
  PRIMARY KEY (entity, code)
);

CREATE TABLE accounts (
  entity text NOT NULL,
  code text NOT NULL,
  postable boolean NOT NULL,
  active boolean NOT NULL,
  currency text,
  control_for text,
  requires text[] NOT NULL,
  opened_on date,
  PRIMARY KEY (entity, code)
);

CREATE TABLE periods (
  entity text NOT NULL,
  period text NOT NULL,
  open boolean NOT NULL,
  PRIMARY KEY (entity, period)
);

CREATE TABLE journals (
  entity text NOT NULL,
  idempotency_key text NOT NULL,
  journal_id text NOT NULL,
  request_hash text NOT NULL,
  journal_no text NOT NULL,
  chain_seq bigint NOT NULL,
  posting_date date NOT NULL,
  request jsonb NOT NULL,
  reply jsonb NOT NULL,
  prev_hash text NOT NULL,
  hash text NOT NULL,
  PRIMARY KEY (entity, idempotency_key),
  UNIQUE (entity, chain_seq),
  UNIQUE (entity, journal_no)
);
CREATE INDEX journals_by_date ON journals (entity, posting_date);

CREATE TABLE lines (
  entity text NOT NULL,
  chain_seq bigint NOT NULL,
  line bigint NOT NULL,
  account text NOT NULL,
  currency text NOT NULL,
  posting_date date NOT NULL,
  debit bigint NOT NULL,
  credit bigint NOT NULL,
  PRIMARY KEY (entity, chain_seq, line)
);
CREATE INDEX lines_by_account ON lines (entity, account, posting_date);

CREATE TABLE balances (
  entity text NOT NULL,
  account text NOT NULL,
  currency text NOT NULL,
  period text NOT NULL,
  debit bigint NOT NULL,
  credit bigint NOT NULL,
  PRIMARY KEY (entity, account, currency, period)
) WITH (fillfactor = 70);

-- What was answered to each event: the inbox that recognises a redelivery, and the outbox that subscribers read.
CREATE TABLE replies (
  sequence bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  entity text NOT NULL,
  event_id text NOT NULL,
  reply jsonb NOT NULL,
  UNIQUE (entity, event_id)
);

-- An amount in minor units; absent is zero, and what is no whole number from 0 to 2^53-1 is null.
CREATE FUNCTION amount(given jsonb) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE
    WHEN given IS NULL OR jsonb_typeof(given) = 'null' THEN 0
    WHEN jsonb_typeof(given) <> 'number' THEN NULL
    WHEN given::numeric = trunc(given::numeric) AND given::numeric BETWEEN 0 AND 9007199254740991 THEN given::bigint
  END
$$;

-- The lines of a request as rows, `at` counted from 0.
CREATE FUNCTION read_lines(lines jsonb)
RETURNS TABLE (at bigint, account text, currency text, scale int, debit bigint, credit bigint, body jsonb)
LANGUAGE sql IMMUTABLE AS $$
  SELECT ordinality - 1,
    CASE WHEN jsonb_typeof(body->'account') = 'string' THEN body->>'account' END,
    CASE WHEN jsonb_typeof(body->'currency') = 'string' THEN body->>'currency' END,
    (body->>'scale')::int, amount(body->'debit'), amount(body->'credit'), body
  FROM jsonb_array_elements(lines) WITH ORDINALITY AS line (body, ordinality)
$$;

CREATE FUNCTION rejection(request jsonb, code text, path text, more jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
  SELECT jsonb_build_object(
    'topic', 'gl.journal.rejected',
    'entity', request->'entity',
    'idempotencyKey', request->'idempotencyKey',
    'source', request->'source',
    'code', code,
    'message', code || ' at ' || path,
    'details', jsonb_build_array(jsonb_build_object('path', path)),
    'retryable', code = ANY ('{ENTITY_NOT_FOUND,ACCOUNT_NOT_FOUND,ACCOUNT_INACTIVE,ACCOUNT_NOT_POSTABLE,CURRENCY_NOT_ALLOWED,PERIOD_NOT_FOUND,PERIOD_CLOSED}'::text[])
  ) || more
$$;

-- The first field whose form is wrong, or null.
CREATE FUNCTION malformed(request jsonb) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  RETURN CASE
    WHEN coalesce(request->>'entity', '') !~ '^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$' THEN 'entity'
    WHEN length(coalesce(request->>'idempotencyKey', '')) NOT BETWEEN 1 AND 200 THEN 'idempotencyKey'
    WHEN coalesce(request->>'postingDate', request->>'date', '') !~ '^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$' THEN 'postingDate'
    WHEN length(coalesce(request#>>'{source,plugin}', '')) NOT BETWEEN 1 AND 32 THEN 'source.plugin'
    WHEN coalesce(request->>'journal', 'GEN') !~ '^[A-Z][A-Z0-9]{0,7}$' THEN 'journal'
    WHEN jsonb_typeof(request->'lines') IS DISTINCT FROM 'array' OR jsonb_array_length(request->'lines') > 1000
      OR request @? '$.lines[*] ? (@.type() != "object")' THEN 'lines'
  END;
END
$$;

-- Whether every line is as nearly all are: nothing missing, whole amounts, one side above zero. One look, no statement.
CREATE FUNCTION plain(lines jsonb) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  RETURN jsonb_array_length(lines) >= 2 AND NOT lines @? '$[*] ? (
    !(@.account.type() == "string" && @.account != "" && @.currency.type() == "string" && @.currency != ""
      && ((@.debit > 0 && @.credit == 0) || (@.debit == 0 && @.credit > 0))
      && @.debit.floor() == @.debit && @.debit <= 9007199254740991
      && @.credit.floor() == @.credit && @.credit <= 9007199254740991)
    || exists(@.fnDebit) || exists(@.fnCredit))';
END
$$;

-- The sums of plain lines, and whether they balance within what an amount may be.
CREATE FUNCTION sums(lines jsonb, OUT totals jsonb, OUT balanced boolean) LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  SELECT jsonb_agg(jsonb_build_object('currency', currency, 'debit', debit, 'credit', credit)),
    bool_and(debit = credit AND debit <= 9007199254740991)
  INTO totals, balanced
  FROM (
    SELECT currency, sum(debit) AS debit, sum(credit) AS credit
    FROM jsonb_to_recordset(lines) AS line (currency text, debit bigint, credit bigint)
    GROUP BY currency
  ) AS total;
END
$$;

-- What can be judged by the lines alone: their sums, or the first fault as code and path.
CREATE FUNCTION add_up(lines jsonb, OUT code text, OUT path text, OUT totals jsonb) LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  bad_amount bigint;
  bad_line bigint;
  functional_lines bigint;
  functional_difference numeric;
  crooked text;
BEGIN
  IF plain(lines) THEN
    SELECT added.totals, CASE WHEN NOT balanced THEN '' END INTO totals, code FROM sums(lines) AS added;
    IF code IS NULL THEN
      RETURN;
    END IF;
  END IF;
  IF jsonb_array_length(lines) < 2 THEN
    code := 'TOO_FEW_LINES'; path := 'lines'; RETURN;
  END IF;
  SELECT
    min(at) FILTER (WHERE debit IS NULL OR credit IS NULL OR amount(body->'fnDebit') IS NULL OR amount(body->'fnCredit') IS NULL),
    min(at) FILTER (WHERE (debit > 0) = (credit > 0) OR coalesce(account, '') = '' OR coalesce(currency, '') = ''
      OR (amount(body->'fnDebit') > 0 AND credit > 0) OR (amount(body->'fnCredit') > 0 AND debit > 0)),
    count(*) FILTER (WHERE body ? 'fnDebit' OR body ? 'fnCredit'),
    sum(amount(body->'fnDebit')) - sum(amount(body->'fnCredit'))
  INTO bad_amount, bad_line, functional_lines, functional_difference
  FROM read_lines(lines);
  IF bad_amount IS NOT NULL THEN
    code := 'INVALID_AMOUNT'; path := format('lines[%s]', bad_amount); RETURN;
  END IF;
  IF bad_line IS NOT NULL THEN
    code := 'INVALID_LINE'; path := format('lines[%s]', bad_line); RETURN;
  END IF;
  SELECT
    jsonb_agg(jsonb_build_object('currency', currency, 'debit', debit, 'credit', credit) ORDER BY at),
    min(currency) FILTER (WHERE debit <> credit),
    CASE WHEN bool_or(greatest(debit, credit) > 9007199254740991) THEN 'INVALID_AMOUNT' END
  INTO totals, crooked, code
  FROM (SELECT currency, sum(debit) AS debit, sum(credit) AS credit, min(at) AS at FROM read_lines(lines) GROUP BY currency) AS total;
  IF code IS NOT NULL THEN
    path := 'lines';
  ELSIF crooked IS NOT NULL THEN
    code := 'UNBALANCED'; path := 'totals.' || crooked;
  ELSIF functional_lines > 0 AND functional_lines < jsonb_array_length(lines) THEN
    code := 'INVALID_LINE'; path := 'lines';
  ELSIF functional_lines > 0 AND functional_difference <> 0 THEN
    code := 'UNBALANCED'; path := 'totals.functional';
  END IF;
END
$$;

-- The fields in which two requests differ, like `lines[0].debit`.
CREATE FUNCTION differs(before jsonb, after jsonb, path text DEFAULT '') RETURNS SETOF text LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  IF before IS NOT DISTINCT FROM after THEN
    RETURN;
  ELSIF jsonb_typeof(before) = 'object' AND jsonb_typeof(after) = 'object' THEN
    RETURN QUERY SELECT deeper.path
      FROM jsonb_object_keys(before || after) AS name,
        differs(before->name, after->name, CASE WHEN path = '' THEN name ELSE path || '.' || name END) AS deeper (path);
  ELSIF jsonb_typeof(before) = 'array' AND jsonb_typeof(after) = 'array' THEN
    RETURN QUERY SELECT deeper.path
      FROM generate_series(0, greatest(jsonb_array_length(before), jsonb_array_length(after)) - 1) AS place,
        differs(before->place, after->place, format('%s[%s]', path, place)) AS deeper (path);
  ELSE
    RETURN NEXT path;
  END IF;
END
$$;

-- What the books say against a request, as a rank in the documented order of the codes; null if nothing.
-- The first check that fails on any line answers, so the least rank wins, and of equal ones the first line.
CREATE FUNCTION judge_by_books(request jsonb, posting_date date, OUT rank int, OUT path text) LANGUAGE plpgsql STABLE AS $$
DECLARE
  books text := request->>'entity';
  source text := request#>>'{source,plugin}';
  line jsonb;
  account accounts;
  scale int;
  found int;
BEGIN
  FOR at IN 0 .. jsonb_array_length(request->'lines') - 1 LOOP
    line := request->'lines'->at;
    SELECT * INTO account FROM accounts WHERE entity = books AND code = line->>'account';
    SELECT currencies.scale INTO scale FROM currencies WHERE entity = books AND code = line->>'currency';
    found := CASE
      WHEN account.code IS NULL THEN 1
      WHEN NOT account.active THEN 2
      WHEN NOT account.postable THEN 3
      WHEN account.control_for <> source THEN 4
      WHEN account.control_for IS NOT NULL AND (coalesce(line#>>'{party,id}', '') = '' OR coalesce(line#>>'{party,type}', '') = '') THEN 5
      WHEN account.control_for IS NULL AND jsonb_typeof(line->'party') = 'object' THEN 6
      WHEN scale IS NULL OR (line->>'scale')::int <> scale OR account.currency <> line->>'currency' THEN 7
      WHEN lacks_dimension(account.requires, line->'dims') THEN 8
      WHEN account.opened_on > posting_date THEN 12
    END;
    -- 5 and 6 are one check with two codes.
    IF found - (found = 6)::int < coalesce(rank - (rank = 6)::int, 99) THEN
      rank := found;
      path := format('lines[%s]', at);
    END IF;
  END LOOP;
END
$$;

CREATE FUNCTION lacks_dimension(names text[], dims jsonb) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  RETURN names <> '{}' AND EXISTS (SELECT FROM unnest(names) AS name WHERE coalesce(dims->>name, '') = '');
END
$$;

-- Answers a posting request. `publisher` is the plugin that sent it; null is a client that may name any source.
CREATE FUNCTION post(event text, request jsonb, publisher text DEFAULT NULL) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  reply jsonb;
BEGIN
  reply := answer(event, request, publisher);
  INSERT INTO replies (entity, event_id, reply) VALUES (coalesce(request->>'entity', ''), event, reply)
    ON CONFLICT (entity, event_id) DO NOTHING;
  RETURN reply;
END
$$;

CREATE FUNCTION answer(event text, request jsonb, publisher text) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  codes CONSTANT text[] := '{ACCOUNT_NOT_FOUND,ACCOUNT_INACTIVE,ACCOUNT_NOT_POSTABLE,CONTROL_ACCOUNT,PARTY_REQUIRED,PARTY_NOT_ALLOWED,CURRENCY_NOT_ALLOWED,DIMENSION_REQUIRED,PERIOD_NOT_FOUND,PERIOD_CLOSED,NOT_ALLOWED,ACCOUNT_INACTIVE}';
  fault text := malformed(request);
  books text := request->>'entity';
  key text := request->>'idempotencyKey';
  source text := request#>>'{source,plugin}';
  day date;
  month text;
  summed record;
  judged record;
  book entities;
  known jsonb;
  open boolean;
  series text;
  number int;
  hash text;
  sealed text;
  reply jsonb;
BEGIN
  IF fault IS NOT NULL THEN
    RETURN rejection(request, 'INVALID_REQUEST', fault);
  END IF;
  day := coalesce(request->>'postingDate', request->>'date')::date;
  month := to_char(day, 'YYYY-MM');
  summed := add_up(request->'lines');
  IF summed.code IS NULL THEN
    judged := judge_by_books(request, day);
  END IF;

  SELECT * INTO book FROM entities WHERE entity = books FOR UPDATE;
  IF NOT FOUND THEN
    RETURN rejection(request, coalesce(summed.code, 'ENTITY_NOT_FOUND'), coalesce(summed.path, 'entity'));
  END IF;

  SELECT
    (SELECT replies.reply FROM replies WHERE replies.entity = books AND replies.event_id = event),
    (SELECT to_jsonb(journal) FROM journals AS journal WHERE journal.entity = books AND journal.idempotency_key = key),
    (SELECT periods.open FROM periods WHERE periods.entity = books AND periods.period = month)
  INTO reply, known, open;
  IF reply IS NOT NULL THEN
    RETURN CASE WHEN reply ? 'duplicate' THEN reply || '{"duplicate": true}' ELSE reply END;
  END IF;
  hash := encode(sha256(convert_to(request::text, 'UTF8')), 'hex');
  IF known->>'request_hash' = hash THEN
    RETURN known->'reply' || '{"duplicate": true}';
  ELSIF known IS NOT NULL THEN
    RETURN rejection(request, 'IDEMPOTENCY_CONFLICT', 'idempotencyKey', jsonb_build_object(
      'existingJournalId', known->'journal_id',
      'differs', (SELECT jsonb_agg(path) FROM differs(known->'request', request) AS path)));
  END IF;

  IF summed.code IS NOT NULL THEN
    RETURN rejection(request, summed.code, summed.path);
  END IF;
  -- The functional currency is the entity's and stands between the parties of all lines and their currencies.
  IF coalesce(request->>'functionalCurrency', book.functional) <> book.functional AND coalesce(judged.rank, 7) >= 7 THEN
    RETURN rejection(request, 'CURRENCY_NOT_ALLOWED', 'functionalCurrency');
  END IF;
  IF judged.rank <= 8 THEN
    RETURN rejection(request, codes[judged.rank], judged.path);
  END IF;
  IF open IS NULL OR coalesce(request->>'period', month) <> month THEN
    RETURN rejection(request, 'PERIOD_NOT_FOUND', 'postingDate');
  ELSIF NOT open THEN
    RETURN rejection(request, 'PERIOD_CLOSED', 'postingDate');
  ELSIF judged.rank IS NOT NULL THEN
    RETURN rejection(request, codes[judged.rank], judged.path);
  ELSIF coalesce(publisher, source) <> source THEN
    RETURN rejection(request, 'NOT_ALLOWED', 'source.plugin');
  END IF;

  series := coalesce(request->>'journal',
    CASE source WHEN 'ap' THEN 'AP' WHEN 'ar' THEN 'AR' WHEN 'fa' THEN 'FA' WHEN 'htr' THEN 'PR' WHEN 'inventory' THEN 'INV' ELSE 'GEN' END)
    || '-' || to_char(day, 'YYYY');
  number := coalesce((book.numbers->>series)::int, 0) + 1;
  reply := jsonb_build_object(
    'topic', 'gl.journal.posted',
    'entity', books,
    'idempotencyKey', request->'idempotencyKey',
    'journalId', 'j' || left(encode(sha256(convert_to(books || '/' || key, 'UTF8')), 'hex'), 24),
    'journalNo', series || '-' || lpad(number::text, 6, '0'),
    'period', month,
    'postingDate', day,
    'postedAt', to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
    'totals', summed.totals,
    'lineCount', jsonb_array_length(request->'lines'),
    'source', request->'source',
    'duplicate', false,
    'chainSeq', book.length + 1);
  sealed := seal(book.head, hash, reply);
  reply := reply || jsonb_build_object('hash', sealed);
  WITH journal AS (
    INSERT INTO journals
    VALUES (books, key, reply->>'journalId', hash, reply->>'journalNo', book.length + 1, day, request, reply, book.head, sealed)
  ), line AS (
    INSERT INTO lines
    SELECT books, book.length + 1, row_number() OVER (), account, currency, day, coalesce(debit, 0), coalesce(credit, 0)
    FROM jsonb_to_recordset(request->'lines') AS given (account text, currency text, debit bigint, credit bigint)
    RETURNING lines.account, lines.currency, lines.debit, lines.credit
  ), balance AS (
    INSERT INTO balances
    SELECT books, account, currency, month, sum(debit), sum(credit) FROM line GROUP BY account, currency
    ON CONFLICT (entity, account, currency, period)
    DO UPDATE SET debit = balances.debit + excluded.debit, credit = balances.credit + excluded.credit
  )
  UPDATE entities SET length = book.length + 1, head = sealed, numbers = book.numbers || jsonb_build_object(series, number)
  WHERE entity = books;
  RETURN reply;
END
$$;

-- The hash of a journal covers the hash before it, the request by its own hash, and what the ledger added.
CREATE FUNCTION seal(prev text, request_hash text, reply jsonb) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  RETURN encode(sha256(convert_to(prev || '|' || request_hash || '|' || (reply - 'hash')::text, 'UTF8')), 'hex');
END
$$;

CREATE FUNCTION open_books(entity text, functional text, currency jsonb, account jsonb, month jsonb) RETURNS text LANGUAGE sql AS $$
  INSERT INTO entities (entity, functional) VALUES (entity, functional);
  INSERT INTO currencies SELECT entity, given->>'code', (given->>'scale')::int FROM jsonb_array_elements(currency) AS given;
  INSERT INTO accounts
    SELECT entity, given->>'code', coalesce((given->>'postable')::boolean, true), coalesce((given->>'active')::boolean, true),
      given->>'currency', given->>'controlFor',
      ARRAY(SELECT jsonb_array_elements_text(coalesce(given->'requires', '[]'))), (given->>'openedOn')::date
    FROM jsonb_array_elements(account) AS given;
  INSERT INTO periods SELECT entity, given, true FROM jsonb_array_elements_text(month) AS given;
  SELECT 'opened';
$$;

-- A closing queues with the postings of its entity, so none slips in behind it.
CREATE FUNCTION close_period(books text, month text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  PERFORM FROM entities WHERE entity = books FOR UPDATE;
  UPDATE periods SET open = false WHERE entity = books AND period = month;
  RETURN CASE WHEN FOUND THEN 'gl.period.closed' ELSE 'PERIOD_NOT_FOUND' END;
END
$$;

-- Sound if places and numbers have no gap and every hash is what its journal and the one before make it.
CREATE FUNCTION verify(books text) RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT jsonb_build_object('length', count(*), 'ok',
    count(*) = (SELECT length FROM entities WHERE entity = books)
    AND coalesce(bool_and(chain_seq = place AND prev_hash = before AND hash = seal(prev_hash, request_hash, reply)
      AND request_hash = encode(sha256(convert_to(request::text, 'UTF8')), 'hex')), true))
  FROM (SELECT *, row_number() OVER chain AS place, coalesce(lag(hash) OVER chain, '') AS before
    FROM journals WHERE entity = books WINDOW chain AS (ORDER BY chain_seq)) AS journal
$$;

-- The sha over the trial balance: a line `account|currency|balance` for each balance that is not zero, in order of bytes.
CREATE FUNCTION trial_balance_sha(books text) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT encode(sha256(convert_to(coalesce(string_agg(account || '|' || currency || '|' || balance || E'\n', ''
    ORDER BY account COLLATE "C", currency COLLATE "C"), ''), 'UTF8')), 'hex')
  FROM (SELECT account, currency, sum(debit) - sum(credit) AS balance FROM balances WHERE entity = books GROUP BY account, currency) AS row
  WHERE balance <> 0
$$;

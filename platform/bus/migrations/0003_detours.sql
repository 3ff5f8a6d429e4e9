-- Beside the open events: rules by which a late revision's events wait in the log, to be read again.
-- [{ split, lane, after, events, sinceMs }], usually none.
alter table cursors add column detours jsonb not null default '[]';

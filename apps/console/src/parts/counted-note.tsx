/** What the numbers of a group count, where their names cannot say it. */
export function CountedNote() {
  return (
    <p className="tw-muted small">
      Events behind a key that failed wait with their key and are not counted here. Applied and
      failed are counted since the bus was started.
    </p>
  );
}

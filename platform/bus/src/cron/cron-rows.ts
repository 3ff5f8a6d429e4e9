/** The table `cron_jobs` of the bus's own database. */
import type { Queryable } from "@tideway/store";
import type { DeclaredJob, SettledJob } from "./cron-machine.ts";

interface Row {
  readonly service: string;
  readonly job: string;
  readonly expression: string;
  readonly settled_tick: Date;
}

export async function readJobs(database: Queryable): Promise<readonly SettledJob[]> {
  const { rows } = await database.query<Row>(
    "select service, job, expression, settled_tick from cron_jobs",
  );
  return rows.map(({ service, job, expression, settled_tick: settled }) => {
    return { service, job, expression, settledMs: settled.getTime() };
  });
}

export async function saveJob(database: Queryable, job: SettledJob): Promise<void> {
  await database.query(
    `insert into cron_jobs (service, job, expression, settled_tick) values ($1, $2, $3, $4)
     on conflict (service, job) do update
       set expression = excluded.expression, settled_tick = excluded.settled_tick`,
    [job.service, job.job, job.expression, new Date(job.settledMs)],
  );
}

export async function deleteJob(
  database: Queryable,
  { service, job }: Pick<DeclaredJob, "service" | "job">,
): Promise<void> {
  await database.query("delete from cron_jobs where service = $1 and job = $2", [service, job]);
}

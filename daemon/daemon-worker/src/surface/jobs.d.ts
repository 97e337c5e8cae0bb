// `$jobs`.

declare namespace Trunkline {
  interface Jobs {
    /** Registers a kind of job. */
    register(kind: string, handler: (job: JobRun) => unknown): void;
    register(kind: string, options: JobOptions, handler: (job: JobRun) => unknown): void;
    /** Runs a handler on a schedule, such as `0 6 * * 1-5`. */
    cron(name: string, schedule: string, handler: (job: JobRun) => unknown): void;
    cron(name: string, schedule: string, options: CronOptions, handler: (job: JobRun) => unknown): void;
    /** Enqueues a job with the unit of work of the call. @throws JOB_UNKNOWN */
    enqueue(kind: string, args?: unknown, options?: EnqueueOptions): Published;
  }

  interface JobOptions {
    /** All tries together. */
    attempts?: number;
    /** The longest wait before the second try; doubles each time, and each wait is by chance anything up to it. */
    backoff?: string;
    /** The longest that it becomes. */
    cap?: string;
    /** Wall time of one try. */
    deadline?: string;
    /** How many run at the same time. */
    concurrency?: number;
    /** The kind that it was before. */
    formerly?: string;
  }

  interface CronOptions extends JobOptions {
    /** `UTC` without it. */
    timezone?: string;
    /** What becomes of runs that were missed; `one` without it. */
    catchUp?: boolean | "none" | "one" | "all";
  }

  interface EnqueueOptions {
    /** Not before. */
    runAt?: Date | string | number;
    delay?: Duration;
    attempts?: number;
    /** Taken until the job is done; a second one under it is a duplicate. */
    uniqueKey?: string | number;
    /** Higher is served first. */
    priority?: number;
  }

  /** What a job's handler gets. */
  interface JobRun {
    args: any;
    /** Which try this is, from 1. */
    attempt: number;
    id: string;
    kind: string;
    /** RFC 3339. */
    scheduledAt: string;
    tenant: string;
    correlationId: string;
  }
}

/** Points of the metric at hand by a reason, counted until the metric ends, so that its name is read once and not for each point. */
export class PointCounts<Reason extends string> {
  private counts: Partial<Record<Reason, number>> | undefined;

  add(reason: Reason): void {
    this.counts ??= {};
    this.counts[reason] = (this.counts[reason] ?? 0) + 1;
  }

  /** Hands over what was counted and starts from zero. */
  take(each: (reason: Reason, count: number) => void): void {
    if (this.counts === undefined) return;
    for (const [reason, count] of Object.entries(this.counts) as [Reason, number][]) each(reason, count);
    this.counts = undefined;
  }
}

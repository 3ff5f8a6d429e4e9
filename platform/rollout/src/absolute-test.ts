/**
 * An e-test on people: does the candidate fail at least the share p0 of them?
 *
 * Each person whom the candidate served multiplies the evidence against that by
 *
 *     1 + lambda (p0 - x)          x = 1 if it gave them a bad answer, else 0
 *
 * If the chance of x = 1, given everything before, is at least p0, the factor's expectation is at
 * most 1; and it is never negative as long as lambda <= 1 / (1 - p0). So the product is a test
 * supermartingale, an e-value at every moment, and reaches 1 / alpha with a chance of at most
 * alpha. lambda is the amount bet against the null hypothesis in each round.
 *
 * The largest lambda is the quickest when nobody is failed, and 0 for ever after one who is. A
 * lambda just below it loses 5.0 for a bad person and wins 0.03 for a clean one (logarithms, 3 %),
 * so a candidate that fails as few as 0.6 % would never pass. But the number of people is
 * whole: ceil(ln(1/alpha) / -ln(1 - p0)), 99 at 3 % and 299 at 1 %, and so reaches more than
 * 1 / alpha. What is too much, some 2 % of the stake, goes into a second fixed bet, the best one
 * against a candidate that fails p0 / 3. A mean of e-values, with shares fixed beforehand, is an
 * e-value. So one bad person delays a pass and a steady share well below p0 does not prevent it.
 *
 * A person is counted once their first request is answered. If a later one is bad, their factor
 * turns from the clean one to the bad one, which only lowers each product. The guarantee therefore
 * holds with p0 as the chance of failing a person's first request; later failures count against
 * the candidate on top. For the same reason the present value decides, never a past maximum.
 */
export interface AbsoluteTest {
  readonly bets: readonly Bet[];
  /** Clean people needed when none is bad. */
  readonly peopleMin: number;
  readonly logLimit: number;
}

/** One fixed lambda, by the natural logarithms of its share of the stake and of its factors. */
interface Bet {
  readonly logShare: number;
  readonly logClean: number;
  /** -Infinity for the largest bet: one bad person ends it. */
  readonly logBad: number;
}

/** The second bet gets at least this share, be it at the price of one person more. */
const SECOND_SHARE_MIN = 0.002;
/** The second bet suits a candidate that fails this part of what it may. */
const SECOND_RATE = 1 / 3;
/** No service waits for more people than this. */
const PEOPLE_SEARCHED_MAX = 2 ** 40;

/** The test of "at least `badRateMax` of the people are failed"; both arguments lie in (0, 1). */
export function absoluteTest(badRateMax: number, alpha: number): AbsoluteTest {
  const logLimit = Math.log(1 / alpha);
  const logClean = -Math.log1p(-badRateMax);
  const peopleMin = Math.ceil((logLimit - Math.log1p(-SECOND_SHARE_MIN)) / logClean);
  // Enough of the stake on the largest bet that `peopleMin` clean people reach the limit with it.
  const logShare = logLimit - peopleMin * logClean;
  const expected = badRateMax * SECOND_RATE;
  const lambda = (badRateMax - expected) / (badRateMax * (1 - badRateMax));
  const second = {
    logShare: Math.log(-Math.expm1(logShare)),
    logClean: Math.log1p(lambda * badRateMax),
    logBad: Math.log1p(-lambda * (1 - badRateMax)),
  };
  return { bets: [{ logShare, logClean, logBad: -Infinity }, second], peopleMin, logLimit };
}

/** The natural logarithm of the evidence that fewer are failed, after so many people. */
export function absoluteLogEvidence(test: AbsoluteTest, clean: number, bad: number): number {
  const logs = test.bets.map((bet) => {
    // 0 times -Infinity is no number, and no bad person must cost nothing.
    return bet.logShare + clean * bet.logClean + (bad === 0 ? 0 : bad * bet.logBad);
  });
  const highest = Math.max(...logs);
  return highest + Math.log(logs.reduce((sum, log) => sum + Math.exp(log - highest), 0));
}

/** How many people it takes in all if nobody else gets a bad answer, beside `bad` who did. */
export function peopleNeeded(test: AbsoluteTest, bad: number): number {
  if (bad === 0) return test.peopleMin;
  let tooFew = 0;
  let enough = 1;
  const suffices = (clean: number): boolean =>
    absoluteLogEvidence(test, clean, bad) >= test.logLimit;
  while (!suffices(enough) && enough < PEOPLE_SEARCHED_MAX) {
    tooFew = enough;
    enough *= 2;
  }
  while (enough - tooFew > 1) {
    const middle = Math.floor((tooFew + enough) / 2);
    if (suffices(middle)) enough = middle;
    else tooFew = middle;
  }
  return bad + enough;
}

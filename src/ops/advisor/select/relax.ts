import { at } from './choice.ts';
import type { CompactMatrix } from './compact.ts';

/** What a relaxation of the choice says: no choice saves more than `most`. */
export interface Relaxation {
  most: number;
  /** Per index, how far the relaxed choice takes it, 0–1: a guide to what belongs together. */
  share: Float64Array;
  /** Per entry, how much less than `most` is certain when its query takes it. */
  entryLoss: Float64Array;
  /** Per index, how much less than `most` is certain when it is chosen, beside what the entries lose. */
  chosenLoss: Float64Array;
}

/** Prices that queries pay for indexes: one for each query and index that it may use. */
interface Prices {
  count: number;
  /** Per place in `members`, the number of the price. */
  ofMember: Int32Array;
  /** Per price, its index. */
  index: Int32Array;
}

/** Where a round's answer stands: all queries and the knapsack decide by themselves under given prices. */
interface Answer {
  most: number;
  /** Per query, the entry that it takes; −1 for none. */
  taken: Int32Array;
  share: Float64Array;
  /** Profit of an index per byte at which the budget is used up. */
  density: number;
}

/**
 * Lagrangian relaxation: queries pay for the indexes that they use, indexes are chosen by what is paid for them. Any prices give a bound;
 * the volume algorithm (Barahona and Anbil 2000) finds good ones, and with them the shares of the linear relaxation. Takes
 * far less time and memory than solving that exactly.
 * @param least what some choice is known to save.
 * @param proceed asked every few rounds; it stops when this says so.
 */
export function relax(matrix: CompactMatrix, least: number, rounds: number, proceed: () => boolean): Relaxation {
  const prices = pricesOf(matrix);
  const firsts = new Float64Array(prices.count);
  let best = firsts;
  let answer = solve(matrix, prices, best);
  let lowest = answer;
  const share = answer.share.slice();
  const used = new Float64Array(prices.count);
  addUse(matrix, prices, answer, used, 1);
  const moved = new Float64Array(prices.count);
  const direction = new Float64Array(prices.count);
  let factor = 0.5;
  let blend = 0.1;
  let idle = 0;
  for (let round = 0; round < rounds; round++) {
    if (round % 16 === 0 && !proceed()) break;
    let norm = 0;
    for (let price = 0; price < prices.count; price++) {
      let step = at(share, at(prices.index, price)) - at(used, price);
      if (step > 0 && at(best, price) === 0) step = 0;
      direction[price] = step;
      norm += step * step;
    }
    const distance = lowest.most - least;
    if (norm < 1e-12 || distance <= 1e-9 * Math.max(1, Math.abs(lowest.most))) break;
    const length = (factor * distance) / norm;
    for (let price = 0; price < prices.count; price++) {
      moved[price] = Math.max(0, at(best, price) - length * at(direction, price));
    }
    answer = solve(matrix, prices, moved);
    for (let index = 0; index < share.length; index++) {
      share[index] = at(share, index) * (1 - blend) + at(answer.share, index) * blend;
    }
    for (let price = 0; price < prices.count; price++) used[price] = at(used, price) * (1 - blend);
    addUse(matrix, prices, answer, used, blend);
    if (answer.most < lowest.most) {
      idle = lowest.most - answer.most < 1e-5 * Math.abs(lowest.most) ? idle + 1 : 0;
      factor = Math.min(2, factor * 1.05);
      lowest = answer;
      best = moved.slice();
    } else idle++;
    if (idle < 15) continue;
    idle = 0;
    factor *= 0.7;
    blend = Math.max(0.02, blend * 0.9);
    if (factor < 1e-4) break;
  }
  return { ...losses(matrix, prices, best, lowest), most: lowest.most, share };
}

function pricesOf({ indexes, queryOf, memberStart, members }: CompactMatrix): Prices {
  const ofMember = new Int32Array(members.length);
  const index: number[] = [];
  const known = new Int32Array(indexes).fill(-1);
  let first = 0;
  for (let entry = 0; entry < queryOf.length; entry++) {
    if (entry > 0 && queryOf[entry] !== queryOf[entry - 1]) first = index.length;
    for (let m = at(memberStart, entry); m < at(memberStart, entry + 1); m++) {
      const member = at(members, m);
      if (at(known, member) < first) {
        known[member] = index.length;
        index.push(member);
      }
      ofMember[m] = at(known, member);
    }
  }
  return { count: index.length, ofMember, index: Int32Array.from(index) };
}

/** Entries of a query stand together, what saves most first: those that save less before they pay than the best does after are skipped. */
function solve(matrix: CompactMatrix, prices: Prices, price: Float64Array): Answer {
  const { queries, queryOf, saving, memberStart } = matrix;
  const taken = new Int32Array(queries).fill(-1);
  const net = new Float64Array(queries);
  for (let entry = 0; entry < queryOf.length; entry++) {
    const query = at(queryOf, entry);
    if (at(saving, entry) <= at(net, query)) continue;
    let left = at(saving, entry);
    for (let m = at(memberStart, entry); m < at(memberStart, entry + 1); m++) left -= at(price, at(prices.ofMember, m));
    if (left <= at(net, query)) continue;
    net[query] = left;
    taken[query] = entry;
  }
  const { profit, share, density } = knapsack(matrix, paid(matrix, prices, price));
  return { most: net.reduce((sum, each) => sum + each, profit), taken, share, density };
}

/** Per index what all queries pay for it, less what it costs writes. */
function paid({ indexes, writeCost }: CompactMatrix, prices: Prices, price: Float64Array): Float64Array {
  const profit = new Float64Array(indexes);
  for (let index = 0; index < indexes; index++) profit[index] = -at(writeCost, index);
  for (let number = 0; number < prices.count; number++) {
    const index = at(prices.index, number);
    profit[index] = at(profit, index) + at(price, number);
  }
  return profit;
}

/** Fills the budget with what is paid for most by size; the last one may be taken in part. */
function knapsack(
  { indexes, size, budget }: CompactMatrix,
  profit: Float64Array,
): { profit: number; share: Float64Array; density: number } {
  const share = new Float64Array(indexes);
  const worth: number[] = [];
  for (let index = 0; index < indexes; index++) if (at(profit, index) > 0) worth.push(index);
  worth.sort((a, b) => at(profit, b) * at(size, a) - at(profit, a) * at(size, b) || a - b);
  let room = budget;
  let sum = 0;
  let density = 0;
  for (const index of worth) {
    const part = at(size, index) <= room ? 1 : room / at(size, index);
    share[index] = part;
    sum += part * at(profit, index);
    room -= part * at(size, index);
    if (part < 1) {
      density = at(profit, index) / at(size, index);
      break;
    }
  }
  return { profit: sum, share, density };
}

function addUse(
  { memberStart }: CompactMatrix,
  prices: Prices,
  { taken }: Answer,
  used: Float64Array,
  part: number,
): void {
  for (const entry of taken) {
    if (entry < 0) continue;
    for (let m = at(memberStart, entry); m < at(memberStart, entry + 1); m++) {
      const price = at(prices.ofMember, m);
      used[price] = at(used, price) + part;
    }
  }
}

function losses(
  matrix: CompactMatrix,
  prices: Prices,
  price: Float64Array,
  { taken, density }: Answer,
): Pick<Relaxation, 'entryLoss' | 'chosenLoss'> {
  const { queryOf, saving, memberStart, size } = matrix;
  const net = (entry: number): number => {
    let left = at(saving, entry);
    for (let m = at(memberStart, entry); m < at(memberStart, entry + 1); m++) left -= at(price, at(prices.ofMember, m));
    return left;
  };
  const best = Float64Array.from(taken, (entry) => (entry < 0 ? 0 : net(entry)));
  const profit = paid(matrix, prices, price);
  const margin = profit.map((each, index) => each - density * at(size, index));
  return {
    entryLoss: Float64Array.from(queryOf, (query, entry) => at(best, query) - net(entry)),
    chosenLoss: margin.map((each) => Math.max(0, -each)),
  };
}

import { createAdvisor } from '../../src/ops/advisor/index.ts';
import { type AdviceStore, openStore } from '../../src/ops/store/index.ts';
import { quickConfig, quickPatience, silent } from './advice-life.ts';
import { retention } from './store.ts';

/**
 * An advisor for tests that is killed at a moment: `logged` (a change is written down and not run yet), `ran` (it has run, and its end is not
 * written down), `ended` (written down, and the state is not). `never`: the test kills it. Arguments: URL, URL of the store, id, purpose,
 * moment, how many times the moment passes first.
 */
const [url = '', storeUrl = '', id = '', purpose = 'apply', moment = 'never', skip = '0'] = process.argv.slice(2);
const real = await openStore({ url: storeUrl, retention });
let passed = 0;

function die(): void {
  passed += 1;
  if (passed > Number(skip)) process.kill(process.pid, 'SIGKILL');
}

const advice: AdviceStore = {
  ...real.advice,
  async beginChange(intent) {
    const number = await real.advice.beginChange(intent);
    if (moment === 'logged') die();
    return number;
  },
  async endChange(number, result) {
    if (moment === 'ran') die();
    await real.advice.endChange(number, result);
  },
  async change(transition) {
    if (moment === 'ended' && !['applying', 'undoing'].includes(transition.to)) die();
    return real.advice.change(transition);
  },
};
const advisor = createAdvisor({
  name: 'shop',
  url,
  store: { ...real, advice },
  config: quickConfig,
  logger: silent,
  patience: { ...quickPatience, gentleLockMs: 600_000 },
  isOwner: () => false,
});
await (purpose === 'undo' ? advisor.undo : advisor.apply)(Number(id), { by: 'child', force: true });
process.stdout.write('begun\n');
await advisor.idle();
await advisor.stop();
await real.close();

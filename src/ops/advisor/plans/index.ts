export { keepPlans, PlanKeeper, type PlanKeeperOptions } from './plan-keeper.ts';
export { changeSentence } from './sentence.ts';

export { keepPlans, PlanKeeper, type PlanKeeperOptions } from './plan-keeper.ts';
export { changeSentence, planChangeFinding } from './sentence.ts';

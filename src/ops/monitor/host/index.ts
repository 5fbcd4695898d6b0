export { isLocalAddress } from './local-address.ts';
export { createHostSampler, type HostSample, type HostSampler } from './sampler.ts';

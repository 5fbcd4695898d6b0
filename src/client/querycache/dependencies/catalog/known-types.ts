/** Types whose input reads words like 'now' and 'today': dates and times, their arrays, ranges and multiranges. By oid, which never change. */
export const momentTypes: ReadonlySet<number> = new Set([
  1082, 1083, 1114, 1184, 1266, 1182, 1183, 1115, 1185, 1270, 3908, 3909, 3910, 3911, 3912, 3913, 4533, 4534, 4535,
  6152, 6153, 6155,
]);

/** Types that show names of the catalog: regclass, regproc and the like, and their arrays. */
export const catalogTypes: ReadonlySet<number> = new Set([
  24, 2202, 2203, 2204, 2205, 2206, 3734, 3769, 4089, 4096, 4191, 1008, 2207, 2208, 2209, 2210, 2211, 3735, 3770, 4090,
  4097, 4192,
]);

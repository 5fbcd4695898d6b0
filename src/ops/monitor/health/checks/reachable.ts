import { type CheckDefinition, critical, ok, unknown } from '../check.ts';
import { duration } from '../../../words/index.ts';

export const reachable: CheckDefinition = {
  id: 'reachable',
  title: 'Reachable',
  weight: 10,
  cap: 0,
  thresholds: 'critical when the server does not answer or has no connection left for us',
  source: "the monitor's connection",
  collector: null,
  judge({ status, now }) {
    const { connection, message, hint } = status;
    const since = duration((now.getTime() - status.since.getTime()) / 1000);
    const evidence = { connection, since: status.since.toISOString(), address: status.address };
    const why = message ? `: ${message}` : '';
    switch (connection) {
      case 'watching':
        return ok('The database answers', evidence);
      case 'unreachable':
        return critical({
          message: `The database has not been reachable for ${since}${why}`,
          evidence,
          advice: hint ?? `Check that the server runs and that ${status.address} can be reached from here.`,
        });
      case 'refused':
        if (status.noConnectionLeft) {
          return critical({
            message: `The server has no connection left${why}`,
            evidence,
            advice: 'Find out who holds the connections, put a pool in front of the server, or raise max_connections.',
          });
        }
        return unknown(`The server refuses us${why}`, hint ?? 'Check user, password and pg_hba.conf.', evidence);
      case 'unsupported':
        return unknown(`This server cannot be watched${why}`, hint, evidence);
      case 'standby-daemon':
        return unknown(`Another daemon watches this database${why}`, hint, evidence);
      case 'connecting':
        return unknown(`Connecting${why}`, hint, evidence);
    }
  },
};

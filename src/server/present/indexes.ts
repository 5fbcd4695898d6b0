import type { ListedIndex } from '../../engine/postgres/index.ts';
import type { StoredAdvice } from '../../ops/store/index.ts';
import type { AnalysedTable } from '../api/indexes.ts';
import { findingOf } from './advice.ts';
import { iso } from './values.ts';

type Problem = AnalysedTable['problems'][number];

/** Indexes table by table, each with the open advice about it. */
export function analysedTables(indexes: readonly ListedIndex[], advice: readonly StoredAdvice[]): AnalysedTable[] {
  const byTable = Map.groupBy(indexes, ({ schema, table }) => JSON.stringify([schema, table]));
  return [...byTable.values()].flatMap((all): AnalysedTable[] => {
    const [first] = all;
    if (!first) return [];
    const { schema, table: name } = first;
    const about = advice.filter((each) => {
      const { subject } = findingOf(each);
      return (
        subject.schema === schema && (subject.table ?? (subject.kind === 'table' ? subject.name : undefined)) === name
      );
    });
    const ofIndex = (index: string): Problem[] => about.filter((each) => isAbout(each, index)).map(problemOf);
    return [
      {
        schema,
        name,
        bytes: all.reduce((sum, { bytes }) => sum + bytes, 0),
        indexes: all.map((index) => presentIndex(index, ofIndex(index.name))),
        advised: about.filter(isAdvised).map(presentAdvised),
        problems: about
          .filter((each) => !isAdvised(each) && !all.some(({ name: index }) => isAbout(each, index)))
          .map(problemOf),
      },
    ];
  });
}

function isAdvised({ kind }: StoredAdvice): boolean {
  return kind === 'create-index';
}

function isAbout(advice: StoredAdvice, index: string): boolean {
  const { subject } = findingOf(advice);
  return subject.kind === 'index' && subject.name === index && !isAdvised(advice);
}

function problemOf(advice: StoredAdvice): Problem {
  const { id, check, severity, state, kind } = advice;
  return { id, check, severity, state, kind, title: findingOf(advice).title };
}

function presentAdvised(advice: StoredAdvice): AnalysedTable['advised'][number] {
  const { remedy, gain } = findingOf(advice);
  return {
    ...problemOf(advice),
    statements: [...(remedy?.fix ?? [])],
    bytes: remedy?.needsBytes ?? null,
    workloadShare: gain?.workloadShare ?? null,
  };
}

function presentIndex(index: ListedIndex, problems: Problem[]): AnalysedTable['indexes'][number] {
  const { name, definition, method, bytes, scans, valid, partitioned, unique, primary, constraint, foreignKey } = index;
  return {
    name,
    definition,
    method,
    bytes,
    scans,
    lastScan: iso(index.lastScan),
    valid,
    partitioned,
    unique,
    primary,
    constraint,
    foreignKey,
    replicaIdentity: index.replicaIdentity,
    problems,
  };
}

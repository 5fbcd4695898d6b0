import type { SourceConstraint } from './constraints.ts';
import { readConstraints } from './constraints.ts';
import { readStatisticsObjects, type SourceStatisticsObject } from './extended.ts';
import { readSourceIndexes, type SourceIndex } from './indexes.ts';
import {
  readBlocks,
  readInheritance,
  readSourceColumns,
  readSourceRelations,
  type SourceColumn,
  type SourceInheritance,
  type SourceRelation,
} from './relations.ts';
import { readRoutines, type SourceRoutine } from './routines.ts';
import {
  readLocale,
  readPlannerSettings,
  readTablespaceCosts,
  type SourceLocale,
  type TablespaceCosts,
} from './settings.ts';
import type { Source } from './source.ts';
import { readExtensions, readSchemas, readTypes, type SourceExtension, type SourceObject } from './types.ts';
import { readAggregates, readUncarried, type Uncarried } from './uncarried.ts';
import { readViews } from './views.ts';

/** All that a twin is made from, apart from statistics of columns. */
export interface SourceCatalog {
  /** Whether it is a part of the database only. */
  selected: boolean;
  settings: Map<string, string>;
  tablespaces: TablespaceCosts[];
  locale: SourceLocale | undefined;
  schemas: string[];
  extensions: SourceExtension[];
  types: SourceObject[];
  routines: SourceRoutine[];
  /** Aggregates and casts. */
  aggregates: SourceObject[];
  uncarried: Uncarried[];
  relations: SourceRelation[];
  /** By relation. */
  columns: Map<number, SourceColumn[]>;
  constraints: Map<number, SourceConstraint[]>;
  inheritance: SourceInheritance[];
  indexes: SourceIndex[];
  statisticsObjects: SourceStatisticsObject[];
  /** Queries of views by oid. */
  views: Map<number, string>;
  /** Blocks of now of tables and indexes by oid. */
  blocks: Map<number, number>;
}

/** Reads it with a few statements for every thousand relations. */
export async function readCatalog(source: Source, role: string | undefined): Promise<SourceCatalog> {
  const settings = await readPlannerSettings(source, role);
  const tablespaces = await readTablespaceCosts(source);
  const locale = await readLocale(source);
  const schemas = await readSchemas(source);
  const extensions = await readExtensions(source);
  const types = await readTypes(source);
  const routines = await readRoutines(source);
  const aggregates = await readAggregates(source);
  const uncarried = await readUncarried(source);
  const relations = await readSourceRelations(source);
  const oids = relations.map(({ oid }) => oid);
  const columns = await readSourceColumns(
    source,
    relations.filter(({ kind }) => kind !== 'S').map(({ oid }) => oid),
  );
  const constraints = await readConstraints(source);
  const inheritance = await readInheritance(source);
  const indexes = await readSourceIndexes(source);
  const statisticsObjects = await readStatisticsObjects(source);
  const views = await readViews(
    source,
    relations.filter(({ kind }) => kind === 'v').map(({ oid }) => oid),
  );
  const blocks = await readBlocks(source, [...oids, ...indexes.map(({ oid }) => oid)]);
  return {
    selected: false,
    settings,
    tablespaces,
    locale,
    schemas,
    extensions,
    types,
    routines,
    aggregates,
    uncarried,
    relations,
    columns: Map.groupBy(columns, ({ relation }) => relation),
    constraints: Map.groupBy(constraints, ({ relation }) => relation),
    inheritance,
    indexes,
    statisticsObjects,
    views: new Map(views.map(({ oid, query }) => [oid, query])),
    blocks,
  };
}

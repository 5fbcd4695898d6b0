import { execFile } from 'node:child_process';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { expect, test, vi } from 'vitest';
import { temporaryFolder } from '../../../../../test/support/folder.ts';
import type { decoratedService } from '../../../../../test/support/decorated-service.ts';

import { type Cache, createCache } from '../../index.ts';
import type { CachedOptions } from './cached.ts';
import { answersOf, Cached } from './decorator.ts';

/** Applies the decorator by hand: what runs these tests knows no decorators. */
function decorate(
  target: object,
  name: string,
  cache: Cache,
  options: Partial<CachedOptions<never, never, never>> = {},
) {
  const method = Reflect.get(target, name) as () => Promise<unknown>;
  const context = { kind: 'method', name, static: typeof target === 'function', private: false };
  const decorated = Cached<unknown, never, unknown>(cache, { ttl: '1m', ...(options as object) })(
    method,
    context as ClassMethodDecoratorContext<unknown, () => Promise<unknown>>,
  );
  Object.defineProperty(target, name, { value: decorated, configurable: true, writable: true });
}

/** A class and one derived from it, with their calls counted. */
function classes() {
  const called = vi.fn();
  class Table {
    get table(): string {
      return 'none';
    }
    async find(id: number): Promise<string> {
      called(this.table, id);
      return `${this.table} ${id}`;
    }
    static async count(): Promise<string> {
      called(this.name);
      return this.name;
    }
  }
  class Orders extends Table {
    override get table(): string {
      return 'orders';
    }
  }
  class Users extends Table {
    override get table(): string {
      return 'users';
    }
    override async find(id: number): Promise<string> {
      return `found ${await super.find(id)}`;
    }
  }
  return { called, Table, Orders, Users };
}

test('methods keep their answers by class, name and arguments', async () => {
  await using cache = createCache();
  const { called, Table } = classes();
  decorate(Table.prototype, 'find', cache);
  const table = new Table();
  expect([await table.find(1), await new Table().find(1), await table.find(2)]).toEqual(['none 1', 'none 1', 'none 2']);
  expect(called).toHaveBeenCalledTimes(2);
  expect(answersOf(table, 'find').key(1)).toBe('Table.find:1');
  await answersOf(table, 'find').invalidate(1);
  expect(cache.peek('Table.find:1')).toBeUndefined();
  expect(await answersOf(table, 'find').refresh(1)).toBe('none 1');
  await answersOf(table, 'find').invalidateAll();
  expect(cache.peek('Table.find:2')).toBeUndefined();
});

test('classes that inherit a method have answers of their own', async () => {
  await using cache = createCache();
  const { Table, Orders } = classes();
  decorate(Table.prototype, 'find', cache);
  expect([await new Orders().find(1), await new Table().find(1)]).toEqual(['orders 1', 'none 1']);
  expect(answersOf(new Orders(), 'find').key(1)).toBe('Orders.Table.find:1');
});

test('a method that calls the one that it overrides does not wait for itself', async () => {
  await using cache = createCache();
  const { Table, Users } = classes();
  decorate(Table.prototype, 'find', cache);
  decorate(Users.prototype, 'find', cache);
  expect(await new Users().find(1)).toBe('found users 1');
  expect(answersOf(new Users(), 'find').key(1)).toBe('Users.find:1');
  expect(cache.peek('Users.Table.find:1')).toBe('users 1');
});

test('methods of classes, too', async () => {
  await using cache = createCache();
  const { called, Table, Orders } = classes();
  decorate(Table, 'count', cache);
  expect([await Table.count(), await Table.count(), await Orders.count()]).toEqual(['Table', 'Table', 'Orders']);
  expect(called).toHaveBeenCalledTimes(2);
  expect([answersOf(Table, 'count').key(), answersOf(Orders, 'count').key()]).toEqual([
    'Table.count',
    'Orders.Table.count',
  ]);
});

test('a name that is given takes the place of those of class and method', async () => {
  await using cache = createCache();
  const { Table, Orders } = classes();
  decorate(Table.prototype, 'find', cache, { name: 'row' });
  expect(answersOf(new Table(), 'find').key(1)).toBe('row:1');
  expect(answersOf(new Orders(), 'find').key(1)).toBe('Orders.row:1');
});

test('what cannot be told apart is refused', async () => {
  await using cache = createCache();
  const { Table } = classes();
  expect(() => answersOf(new Table(), 'find')).toThrow(expect.objectContaining({ code: 'E_USAGE' }));
  decorate(Table.prototype, 'find', cache);
  const { find } = Table.prototype;
  await expect((find as unknown as (id: number) => Promise<string>)(1)).rejects.toMatchObject({ code: 'E_USAGE' });
  const { Table: Nameless } = classes();
  Object.defineProperty(Nameless, 'name', { value: '' });
  decorate(Nameless.prototype, 'find', cache);
  await expect(new Nameless().find(1)).rejects.toMatchObject({ code: 'E_USAGE' });
  const getter = { kind: 'getter', name: 'x' } as unknown as ClassMethodDecoratorContext<
    unknown,
    () => Promise<unknown>
  >;
  expect(() => Cached(cache, { ttl: 1 })(async () => 1, getter)).toThrow(expect.objectContaining({ code: 'E_USAGE' }));
});

test('in the syntax of classes, as the compiler of TypeScript emits it', async () => {
  await using cache = createCache();
  await using folder = await temporaryFolder();
  const root = fileURLToPath(new URL('../../../../../', import.meta.url));
  const compiler = fileURLToPath(new URL('../../../../../node_modules/typescript/bin/tsc', import.meta.url));
  const options = ['--noCheck', '--noResolve', '--ignoreConfig', '--target', 'es2024', '--module', 'esnext'];
  const source = 'test/support/decorated-service.ts';
  await promisify(execFile)(process.execPath, [compiler, ...options, '--outDir', folder.path, source], { cwd: root });
  const emitted = (await import(pathToFileURL(`${folder.path}/decorated-service.js`).href)) as {
    decoratedService: typeof decoratedService;
  };
  const OrderService = emitted.decoratedService(Cached, cache);
  const service = new OrderService();
  expect([await service.find(1), await service.find(1)]).toEqual(['order 1, call 1', 'order 1, call 1']);
  expect(await OrderService.count()).toBe(1);
  expect([cache.peek('OrderService.find:1'), cache.peek('OrderService.count')]).toEqual(['order 1, call 1', 1]);
  await answersOf(service, 'find').invalidate(1);
  expect(await service.find(1)).toBe('order 1, call 2');
  expect(await service.secret(7)).toBe('secret 7');
  expect(cache.peek('OrderService.secret:7')).toBe('secret 7');
});

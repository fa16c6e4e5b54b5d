"""What programs do with aiochclient. A line for each thing that was done."""

import asyncio
import os
import sys

import aiohttp
from aiochclient import ChClient, ChClientError

address, password, *tables = sys.argv[1:]
ENDLESS = "SELECT count() FROM numbers(1000000000000) WHERE cityHash64(number) = 1"


async def ask(client):
    print("alive", await client.is_alive())
    rows = await client.fetch("SELECT number, toString(number) FROM numbers(300000)")
    print("rows", len(rows), sum(row[0] for row in rows))
    print("bound", *(await client.fetchrow("SELECT {a} + 1, {b}", params={"a": 41, "b": "it's"})).values())
    try:
        await client.fetch("SELECT nothing")
    except ChClientError as error:
        print("error", "Code: 47." in str(error))
    try:
        await client.fetch("SELECT throwIf(number = 400000) FROM numbers(500000)")
    except aiohttp.ClientPayloadError:
        print("broken off")


async def cancel(client):
    asking = asyncio.create_task(client.fetch(ENDLESS, query_id="of aiochclient"))
    while True:
        await client.execute("KILL QUERY WHERE query_id = 'of aiochclient'")
        done, _ = await asyncio.wait([asking], timeout=0.1)
        if done:
            break
    print("killed", "Code: 394." in str(asking.exception()))
    try:
        await asyncio.wait_for(client.fetch(ENDLESS, query_id="left"), 1)
    except asyncio.TimeoutError:
        print("left")
    # An id is free once its query has ended.
    while True:
        try:
            await client.fetch("SELECT 7", query_id="left")
            break
        except ChClientError as error:
            assert "Code: 216." in str(error), error
            await asyncio.sleep(0.05)
    print("ended")


async def main():
    async with aiohttp.ClientSession() as session:

        def connect(**options):
            return ChClient(
                session, url=f"http://{address}/", user="reader", password=password, database="plumbline", **options
            )

        for compress in [False, True]:
            print("compress", compress)
            await ask(connect(compress_response=compress))
        client = connect()
        for name in tables:
            print("table", name, len(await client.fetch(f"SELECT * FROM {name} LIMIT 10")))
        for name, value in (await client.fetchrow(os.environ["VALUES"])).items():
            print("value", name, repr(value))
        within = connect(session_id="of aiochclient")
        await within.execute("SET max_block_size = 77")
        print("session", await within.fetchval("SELECT toUInt64(getSetting('max_block_size'))"))
        await cancel(client)
        try:
            await ChClient(session, url=f"http://{address}/", user="reader", password="wrong").fetch("SELECT 1")
        except ChClientError as error:
            print("wrong password", "Code: 516." in str(error))


asyncio.run(main())

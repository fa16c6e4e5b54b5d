"""What tools do with clickhouse-connect: tables as rows, numpy, pandas and Arrow, SQLAlchemy. A line for each thing done."""

import logging
import os
import sys
import threading

import clickhouse_connect
import sqlalchemy
from clickhouse_connect.driver.exceptions import ClickHouseError, StreamFailureError

address, password, *tables = sys.argv[1:]
host, port = address.split(":")
# It logs the stack of errors that it raises too.
logging.disable(logging.CRITICAL)
ENDLESS = "SELECT count() FROM numbers(1000000000000) WHERE cityHash64(number) = 1"
BREAKING = "SELECT throwIf(number = 3000000) FROM numbers(4000000)"


def connect(**options):
    return clickhouse_connect.get_client(
        host=host, port=int(port), username="reader", password=password, database="plumbline", **options
    )


def code_of(ask):
    try:
        ask()
    except StreamFailureError as error:
        return str(error).split(".")[0]
    except ClickHouseError as error:
        return error.code
    return "no error"


def consume(stream):
    with stream as blocks:
        return sum(len(block) for block in blocks)


def ask(client):
    rows = client.query("SELECT number, toString(number) FROM numbers(300000)").result_rows
    print("rows", len(rows), sum(number for number, _ in rows))
    numbers = "SELECT number FROM numbers(300000)"
    print("pandas", client.query_df(numbers)["number"].sum(), "arrow", client.query_arrow(numbers).num_rows)
    print("streamed", consume(client.query_row_block_stream(numbers)), consume(client.query_arrow_stream(numbers)))
    parameters = {"a": 41, "b": "it's", "c": ["x", "it's"]}
    print("bound", *client.query("SELECT {a:Int32} + 1, {b:String}, {c:Array(String)}", parameters=parameters).first_row)
    print("bound", *client.query("SELECT %(a)s + 1, %(b)s", parameters={"a": 41, "b": "it's"}).first_row)
    print("error", code_of(lambda: client.query("SELECT nothing")))
    print("broken off", code_of(lambda: client.query(BREAKING)), code_of(lambda: client.query_arrow(BREAKING)))
    print("broken off", code_of(lambda: consume(client.query_row_block_stream(BREAKING))))


def read(client, table):
    query = f"SELECT * FROM {table} LIMIT 10"
    counts = [
        len(client.query(query).result_rows),
        len(client.query_np(query)),
        len(client.query_df(query)),
        len(client.query_df_arrow(query)),
        client.query_arrow(query).num_rows,
    ]
    assert len(set(counts)) == 1, (table, counts)
    return counts[0]


def cancel():
    asking, killing = connect(), connect()

    def run():
        print("killed", code_of(lambda: asking.query(ENDLESS, settings={"query_id": "of connect"})))

    thread = threading.Thread(target=run)
    thread.start()
    while thread.is_alive():
        killing.command("KILL QUERY WHERE query_id = 'of connect'")
        thread.join(0.1)


def use_sqlalchemy():
    engine = sqlalchemy.create_engine(f"clickhousedb://reader:{password}@{address}/plumbline")
    found = sqlalchemy.inspect(engine)
    print("inspected", sorted(set(tables) - set(found.get_table_names()) - set(found.get_view_names())))
    with engine.connect() as connection:
        bound = connection.execute(sqlalchemy.text("SELECT :a + 1, :b"), {"a": 41, "b": "it's"})
        print("sqlalchemy bound", *bound.one())
        metadata = sqlalchemy.MetaData()
        for name in tables:
            table = sqlalchemy.Table(name, metadata, autoload_with=engine)
            rows = connection.execute(sqlalchemy.select(table).limit(10)).fetchall()
            print("reflected", name, len(rows))
        try:
            connection.execute(sqlalchemy.text("SELECT nothing"))
        except sqlalchemy.exc.DatabaseError as error:
            print("sqlalchemy error", "code: 47" in str(error))


for compress in [True, False, "lz4", "zstd", "gzip"]:
    print("compress", compress)
    ask(connect(compress=compress))
client = connect()
for name in tables:
    print("table", name, read(client, name))
values = client.query(os.environ["VALUES"])
for name, value in zip(values.column_names, values.first_row):
    print("value", name, repr(value))
client.command("SET max_block_size = 77")
print("session", client.command("SELECT toUInt64(getSetting('max_block_size'))"))
# It reads system.settings, where all is read-only for readers, and sends settings only if it is told to.
clickhouse_connect.common.set_setting("invalid_setting_action", "send")
print("setting", client.command("SELECT toUInt64(getSetting('max_block_size'))", settings={"max_block_size": 78}))
cancel()
use_sqlalchemy()
try:
    clickhouse_connect.get_client(host=host, port=int(port), username="reader", password="wrong")
except ClickHouseError as error:
    print("wrong password", error.code)

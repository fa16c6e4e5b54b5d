//! What programs do with the crate clickhouse. A line for each thing that was done.

use clickhouse::{Client, Compression, Row, error::Error};
use serde::Deserialize;
use std::{env, time::Duration};

const ENDLESS: &str = "SELECT count() FROM numbers(1000000000000) WHERE cityHash64(number) = 1";

#[derive(Row, Deserialize)]
struct Counted {
    number: u64,
    text: String,
}

// STRUCTS

fn main() {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(run());
}

async fn run() {
    let [address, password] = [1, 2].map(|i| env::args().nth(i).unwrap());
    let client = Client::default()
        .with_url(format!("http://{address}"))
        .with_database("plumbline")
        .with_user("reader")
        .with_password(password);
    for compression in [Compression::Lz4, Compression::None] {
        println!("compress {compression:?}");
        ask(&client.clone().with_compression(compression)).await;
    }
    read_tables(&client).await;
    let within = client.clone().with_setting("session_id", "of rust");
    within.query("SET max_block_size = 77").execute().await.unwrap();
    let size = within.query("SELECT toUInt64(getSetting('max_block_size'))").fetch_one::<u64>().await;
    println!("session {}", size.unwrap());
    cancel(&client).await;
    let wrong = client.with_password("wrong").query("SELECT 1").fetch_one::<u8>().await;
    println!("wrong password {}", code(wrong));
}

async fn ask(client: &Client) {
    let numbers = "SELECT number, toString(number) AS text FROM numbers(300000)";
    let rows = client.query(numbers).fetch_all::<Counted>().await.unwrap();
    assert!(rows.iter().all(|row| row.number.to_string() == row.text));
    println!("rows {} {}", rows.len(), rows.iter().map(|row| row.number).sum::<u64>());
    let bound = client.query("SELECT toUInt64(? + 1) AS number, ? AS text").bind(41u32).bind("it's");
    let Counted { number, text } = bound.fetch_one().await.unwrap();
    println!("bound {number} {text}");
    let named = client.query("SELECT {a: UInt64} + 1 AS number, {b: String} AS text");
    let Counted { number, text } = named.param("a", 41u64).param("b", "it's").fetch_one().await.unwrap();
    println!("bound {number} {text}");
    println!("error {}", code(client.query("SELECT nothing").fetch_one::<u8>().await));
    let breaking = client.query("SELECT throwIf(number = 3000000) FROM numbers(4000000)");
    println!("broken off {}", code(breaking.fetch_all::<u8>().await));
}

fn code<T>(result: Result<T, Error>) -> String {
    match result {
        Err(Error::BadResponse(text)) => text.split('.').next().unwrap().to_string(),
        Err(error) => format!("{error:?}"),
        Ok(_) => "no error".to_string(),
    }
}

async fn read<T>(client: &Client, table: &str)
where
    T: clickhouse::RowOwned + clickhouse::RowRead,
{
    let rows = client.query(&format!("SELECT * FROM {table} LIMIT 10")).fetch_all::<T>().await;
    println!("table {table} {}", rows.unwrap().len());
}

async fn cancel(client: &Client) {
    let asking = client.clone().with_setting("query_id", "of rust");
    let query = tokio::spawn(async move { code(asking.query(ENDLESS).fetch_one::<u64>().await) });
    while !query.is_finished() {
        client.query("KILL QUERY WHERE query_id = 'of rust'").execute().await.unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    println!("killed {}", query.await.unwrap());
    let leaving = client.clone().with_setting("query_id", "left by rust");
    let left = tokio::time::timeout(Duration::from_secs(1), leaving.query(ENDLESS).fetch_one::<u64>()).await;
    println!("left {}", left.is_err());
    // An id is free once its query has ended.
    while let Err(error) = leaving.query("SELECT 7").fetch_one::<u8>().await {
        assert!(error.to_string().contains("Code: 216."), "{error}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    println!("ended");
}

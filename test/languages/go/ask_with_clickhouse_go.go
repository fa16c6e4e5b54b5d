// What programs do with clickhouse-go over HTTP, by database/sql and by its own interface. One line for each thing that was done.
package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"reflect"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

const endless = "SELECT count() FROM numbers(1000000000000) WHERE cityHash64(number) = 1"

func options(method clickhouse.CompressionMethod) *clickhouse.Options {
	return &clickhouse.Options{
		Addr:        []string{os.Args[1]},
		Protocol:    clickhouse.HTTP,
		Auth:        clickhouse.Auth{Database: "plumbline", Username: "reader", Password: os.Args[2]},
		Compression: &clickhouse.Compression{Method: method, Level: 3},
	}
}

func main() {
	tables := os.Args[3:]
	for _, method := range []clickhouse.CompressionMethod{
		clickhouse.CompressionNone, clickhouse.CompressionLZ4, clickhouse.CompressionLZ4HC, clickhouse.CompressionZSTD,
		clickhouse.CompressionGZIP, clickhouse.CompressionDeflate, clickhouse.CompressionBrotli,
	} {
		db := clickhouse.OpenDB(options(method))
		fmt.Println("compress", method)
		ask(db)
		db.Close()
	}
	db := clickhouse.OpenDB(options(clickhouse.CompressionLZ4))
	conn, err := clickhouse.Open(options(clickhouse.CompressionLZ4))
	check(err)
	for _, table := range tables {
		fmt.Println("table", table, readBySQL(db, table), readByName(conn, table))
	}
	values(conn)
	cancel(db)
	session(conn)
	wrong := options(clickhouse.CompressionLZ4)
	wrong.Auth.Password = "wrong"
	fmt.Println("wrong password", code(clickhouse.OpenDB(wrong).Ping()))
}

func ask(db *sql.DB) {
	check(db.Ping())
	rows, err := db.Query("SELECT number, toString(number), toDateTime64(number, 9, 'UTC') FROM numbers(300000)")
	check(err)
	count, sum := 0, uint64(0)
	for rows.Next() {
		var number uint64
		var text string
		var at time.Time
		check(rows.Scan(&number, &text, &at))
		if fmt.Sprint(number) != text || at.Unix() != int64(number) {
			panic(text)
		}
		count, sum = count+1, sum+number
	}
	check(rows.Err())
	fmt.Println("rows", count, sum)

	var number int64
	var text string
	check(db.QueryRow("SELECT {a:Int64} + 1, {b:String}", clickhouse.Named("a", "41"), clickhouse.Named("b", "it's")).Scan(&number, &text))
	fmt.Println("bound", number, text)
	check(db.QueryRow("SELECT ? + 1, ?", 41, "it's").Scan(&number, &text))
	fmt.Println("bound", number, text)

	fmt.Println("error", code(db.QueryRow("SELECT nothing").Scan(&number)))
	rows, err = db.Query("SELECT throwIf(number = 3000000) FROM numbers(4000000)")
	check(err)
	for rows.Next() {
	}
	fmt.Println("broken off", code(rows.Err()))
}

func code(err error) int32 {
	var exception *clickhouse.Exception
	if errors.As(err, &exception) {
		return exception.Code
	}
	panic(err)
}

func readBySQL(db *sql.DB, table string) int {
	rows, err := db.Query("SELECT * FROM " + table + " LIMIT 10")
	check(err)
	columns, err := rows.Columns()
	check(err)
	count := 0
	for ; rows.Next(); count++ {
		values, places := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			places[i] = &values[i]
		}
		check(rows.Scan(places...))
	}
	check(rows.Err())
	return count
}

// As the types that the client names for each column.
func readByName(conn driver.Conn, table string) int {
	rows, err := conn.Query(context.Background(), "SELECT * FROM "+table+" LIMIT 10")
	check(err)
	count := 0
	for ; rows.Next(); count++ {
		var places []any
		for _, column := range rows.ColumnTypes() {
			places = append(places, reflect.New(column.ScanType()).Interface())
		}
		check(rows.Scan(places...))
	}
	check(rows.Err())
	return count
}

func values(conn driver.Conn) {
	rows, err := conn.Query(context.Background(), os.Getenv("VALUES"))
	check(err)
	for rows.Next() {
		var places []any
		for _, column := range rows.ColumnTypes() {
			places = append(places, reflect.New(column.ScanType()).Interface())
		}
		check(rows.Scan(places...))
		for i, place := range places {
			text, err := json.Marshal(place)
			check(err)
			fmt.Println("value", rows.Columns()[i], string(text))
		}
	}
	check(rows.Err())
}

func cancel(db *sql.DB) {
	ctx, stop := context.WithTimeout(clickhouse.Context(context.Background(), clickhouse.WithQueryID("left")), time.Second)
	defer stop()
	var count uint64
	err := db.QueryRowContext(ctx, endless).Scan(&count)
	fmt.Println("left", errors.Is(err, context.DeadlineExceeded))
	// An id is free once its query has ended.
	for {
		err := db.QueryRowContext(clickhouse.Context(context.Background(), clickhouse.WithQueryID("left")), "SELECT 7").Scan(&count)
		if err == nil {
			break
		}
		if code(err) != 216 {
			panic(err)
		}
	}
	fmt.Println("ended")
	done := make(chan error)
	go func() {
		var count uint64
		done <- db.QueryRowContext(clickhouse.Context(context.Background(), clickhouse.WithQueryID("killed")), endless).Scan(&count)
	}()
	for {
		_, err := db.Exec("KILL QUERY WHERE query_id = 'killed' SYNC")
		check(err)
		select {
		case err := <-done:
			fmt.Println("killed", code(err))
			return
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func session(conn driver.Conn) {
	in := clickhouse.Context(context.Background(), clickhouse.WithSettings(clickhouse.Settings{"session_id": "go"}))
	check(conn.Exec(in, "SET max_block_size = 77"))
	var size uint64
	check(conn.QueryRow(in, "SELECT toUInt64(getSetting('max_block_size'))").Scan(&size))
	fmt.Println("session", size)
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

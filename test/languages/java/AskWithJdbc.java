// What tools do over JDBC: read a large answer and every table, parameters, errors before and within an answer, cancel. One line
// for each.
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Arrays;

public class AskWithJdbc {
  public static void main(String[] args) throws Exception {
    try (Connection connection = DriverManager.getConnection(args[0], "reader", args[1]);
        Statement statement = connection.createStatement()) {
      System.out.println("rows " + sum(statement.executeQuery("SELECT number, toString(number) FROM numbers(300000)")));
      PreparedStatement prepared = connection.prepareStatement("SELECT ? + 1, ?");
      prepared.setInt(1, 41);
      prepared.setString(2, "it's");
      ResultSet bound = prepared.executeQuery();
      bound.next();
      System.out.println("bound " + bound.getInt(1) + " " + bound.getString(2));
      try {
        statement.executeQuery("SELECT nothing");
      } catch (SQLException error) {
        System.out.println("error " + error.getErrorCode());
      }
      try {
        sum(statement.executeQuery("SELECT throwIf(number = 3000000), '' FROM numbers(4000000)"));
        System.out.println("the answer looked complete");
      } catch (SQLException error) {
        System.out.println("broken off");
      }
      for (int i = 2; i < args.length; i++) System.out.println("table " + args[i] + " " + read(statement, args[i]));
      printValues(statement.executeQuery(System.getenv("VALUES")));
      cancel(connection);
      System.out.println("rows " + sum(statement.executeQuery("SELECT number, '' FROM numbers(3)")));
    }
  }

  /** Every value as an object and as text. */
  private static int read(Statement statement, String table) throws SQLException {
    ResultSet rows = statement.executeQuery("SELECT * FROM " + table + " LIMIT 10");
    int count = 0;
    for (; rows.next(); count++) {
      for (int i = 1; i <= rows.getMetaData().getColumnCount(); i++) {
        if (rows.getObject(i) != null && rows.getString(i) == null) throw new SQLException("no text in column " + i);
      }
    }
    return count;
  }

  private static void printValues(ResultSet rows) throws SQLException {
    ResultSetMetaData described = rows.getMetaData();
    rows.next();
    for (int i = 1; i <= described.getColumnCount(); i++) {
      Object value = rows.getObject(i);
      String type = value == null ? "null" : value.getClass().getSimpleName();
      String text = value instanceof Object[] parts ? Arrays.toString(parts) : rows.getString(i);
      System.out.println("value " + described.getColumnName(i) + " " + type + " " + text);
    }
  }

  private static long sum(ResultSet rows) throws SQLException {
    long sum = 0;
    while (rows.next()) sum += rows.getLong(1);
    return sum;
  }

  /** As tools do it: from another thread, until it takes. */
  private static void cancel(Connection connection) throws Exception {
    try (Statement endless = connection.createStatement()) {
      Thread query =
          new Thread(
              () -> {
                try {
                  endless.executeQuery("SELECT count() FROM numbers(1e12) WHERE cityHash64(number) = 1");
                } catch (SQLException error) {
                  System.out.println("cancelled " + error.getErrorCode());
                }
              });
      query.start();
      while (query.isAlive()) {
        endless.cancel();
        query.join(100);
      }
    }
  }
}

// What tools do over JDBC: read a large answer, parameters, errors before and within an answer, cancel. One line for each.
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;

public class AskWithJdbc {
  public static void main(String[] args) throws Exception {
    try (Connection connection = DriverManager.getConnection(args[0]);
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
      cancel(connection);
      System.out.println("rows " + sum(statement.executeQuery("SELECT number, '' FROM numbers(3)")));
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

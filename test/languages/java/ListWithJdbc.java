// What tools ask of a JDBC driver when they connect: every method of DatabaseMetaData that answers with rows, then each table that was listed.
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

public class ListWithJdbc {
  public static void main(String[] args) throws Exception {
    try (Connection connection = DriverManager.getConnection(args[0])) {
      DatabaseMetaData metaData = connection.getMetaData();
      System.out.println("product " + metaData.getDatabaseProductName());
      for (Method method : DatabaseMetaData.class.getMethods()) {
        if (method.getReturnType() == ResultSet.class) ask(metaData, method);
      }
      List<String> tables = new ArrayList<>();
      try (ResultSet rows = metaData.getTables(null, "plumbline", "%", new String[] {"TABLE", "VIEW"})) {
        while (rows.next()) tables.add(rows.getString("TABLE_NAME"));
      }
      for (String table : tables) read(connection, metaData, table);
      System.out.println("tables " + String.join(" ", tables));
    }
  }

  /** With no restriction where a pattern is asked for, and a table of Plumbline's where one table is. */
  private static void ask(DatabaseMetaData metaData, Method method) throws Exception {
    Object[] values = Arrays.stream(method.getParameterTypes()).map(ListWithJdbc::anything).toArray();
    boolean isOfOneTable = method.getName().matches(".*(Key.*|IndexInfo|RowIdentifier|VersionColumns|CrossReference)");
    if (isOfOneTable) {
      values[1] = "plumbline";
      values[2] = "series";
    }
    try (ResultSet rows = (ResultSet) method.invoke(metaData, values)) {
      while (rows.next()) {}
    } catch (InvocationTargetException error) {
      System.out.println("failed " + method.getName() + ": " + error.getCause().getMessage());
    }
  }

  private static Object anything(Class<?> type) {
    if (type == int.class) return 0;
    return type == boolean.class ? (Object) false : null;
  }

  /** A table has columns, and its rows can be read as objects. */
  private static void read(Connection connection, DatabaseMetaData metaData, String table) throws SQLException {
    try (ResultSet rows = metaData.getColumns(null, "plumbline", table, "%")) {
      if (!rows.next()) System.out.println("no columns " + table);
    }
    try (Statement statement = connection.createStatement();
        ResultSet rows = statement.executeQuery("SELECT * FROM plumbline." + table + " LIMIT 2")) {
      int columns = rows.getMetaData().getColumnCount();
      while (rows.next()) {
        for (int column = 1; column <= columns; column++) rows.getObject(column);
      }
    } catch (SQLException error) {
      System.out.println("failed " + table + ": " + error.getMessage());
    }
  }
}

import SpacetimeKit
import SpacetimeSQLiteExport

// The code of the landing page of SpacetimeSQLiteExport.

func exportChat<Chat: ModuleDefinition>(_ db: Database<Chat>) throws {
    let report = try db.exportSQLite(to: "chat.sqlite")
    print("\(report.rowCount) rows as of commit \(report.offset)")
}

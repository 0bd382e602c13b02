import SpacetimeSchema
import Testing

@Suite struct CaseConversionTests {
    struct Row: Sendable {
        var source: String
        var snake: String
        var camel: String
        var pascal: String
    }

    /// Those of the format's description first.
    static let rows: [Row] = [
        Row(source: "playerId", snake: "player_id", camel: "playerId", pascal: "PlayerId"),
        Row(source: "player1", snake: "player_1", camel: "player1", pascal: "Player1"),
        Row(source: "HTTPRequest", snake: "http_request", camel: "httpRequest", pascal: "HttpRequest"),
        Row(source: "_id", snake: "id", camel: "id", pascal: "Id"),
        Row(source: "ID", snake: "id", camel: "id", pascal: "Id"),
        Row(source: "vec3D", snake: "vec_3_d", camel: "vec3D", pascal: "Vec3D"),
        Row(source: "_", snake: "", camel: "", pascal: ""),
        Row(source: "a_b", snake: "a_b", camel: "aB", pascal: "AB"),
        Row(source: "fooBar", snake: "foo_bar", camel: "fooBar", pascal: "FooBar"),
        Row(source: "1up", snake: "1_up", camel: "1Up", pascal: "1Up"),
        Row(source: "", snake: "", camel: "", pascal: ""),
        Row(source: "__a--b  c__", snake: "a_b_c", camel: "aBC", pascal: "ABC"),
        Row(source: "ABCd", snake: "ab_cd", camel: "abCd", pascal: "AbCd"),
        Row(source: "Ab", snake: "ab", camel: "ab", pascal: "Ab"),
        Row(source: "A1B2", snake: "a_1_b_2", camel: "a1B2", pascal: "A1B2"),
        Row(source: "x10y20", snake: "x_10_y_20", camel: "x10Y20", pascal: "X10Y20"),
        Row(source: "A_Bc", snake: "a_bc", camel: "aBc", pascal: "ABc"),
        Row(source: "AB_c", snake: "ab_c", camel: "abC", pascal: "AbC"),
        Row(source: "straßeName", snake: "straße_name", camel: "straßeName", pascal: "StraßeName"),
        Row(source: "ÄpfelÖl", snake: "äpfel_öl", camel: "äpfelÖl", pascal: "ÄpfelÖl"),
        Row(source: "名前Id", snake: "名前id", camel: "名前id", pascal: "名前id"),
        // A mark that no single scalar holds together with its letter belongs to the letter.
        Row(source: "q\u{301}Name", snake: "q\u{301}_name", camel: "q\u{301}Name", pascal: "Q\u{301}Name"),
        Row(source: "fooQ\u{301}", snake: "foo_q\u{301}", camel: "fooQ\u{301}", pascal: "FooQ\u{301}"),
    ]

    @Test(arguments: rows) func wordsAreCutAndJoined(row: Row) {
        #expect(CaseConversion.snake(row.source) == row.snake)
        #expect(CaseConversion.camel(row.source) == row.camel)
        #expect(CaseConversion.pascal(row.source) == row.pascal)
    }

    @Test(arguments: rows) func conversionIsIdempotent(row: Row) {
        #expect(CaseConversion.snake(row.snake) == row.snake)
        #expect(CaseConversion.snake(row.pascal) == CaseConversion.snake(CaseConversion.snake(row.pascal)))
    }
}

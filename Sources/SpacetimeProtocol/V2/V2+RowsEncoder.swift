public import SpacetimeSATS

extension V2 {
    /// Puts together an answer with rows of several queries, each a list of rows that was encoded once
    /// (``SpacetimeSATS/BSATNWriter/writeRows(_:ends:)``).
    ///
    /// The message is complete after each step, so that nothing has to be closed. Nothing else may be written in between.
    public struct RowsEncoder: Sendable {
        private let countOffset: Int
        private var count: UInt32 = 0

        private init(in writer: inout BSATNWriter) {
            countOffset = writer.count
            writer.writeCount(0)
        }

        /// Begins the answer to a subscription.
        public static func subscribeApplied(
            requestID: UInt32, querySetID: UInt32, in writer: inout BSATNWriter
        ) -> RowsEncoder {
            writer.writeTag(1)
            writer.write(requestID)
            writer.write(querySetID)
            return RowsEncoder(in: &writer)
        }

        /// Begins the answer to leaving a set whose rows were asked for. Without rows it is
        /// ``ServerMessage/unsubscribeApplied(requestID:querySetID:rows:)``.
        public static func unsubscribeApplied(
            requestID: UInt32, querySetID: UInt32, in writer: inout BSATNWriter
        ) -> RowsEncoder {
            writer.writeTag(2)
            writer.write(requestID)
            writer.write(querySetID)
            // The rows are there.
            writer.writeTag(0)
            return RowsEncoder(in: &writer)
        }

        /// Begins the answer to a one-off query that succeeded. It has to get exactly one list.
        public static func oneOffQueryResult(requestID: UInt32, in writer: inout BSATNWriter) -> RowsEncoder {
            writer.writeTag(5)
            writer.write(requestID)
            writer.writeTag(0)
            return RowsEncoder(in: &writer)
        }

        /// Appends the rows of one query.
        public mutating func append(_ rows: RawSpan, table: String, to writer: inout BSATNWriter) {
            beginRows(of: table, in: &writer)
            writer.append(rows)
        }

        /// Appends the rows of one query, which were not encoded before.
        public mutating func append(_ rows: [UInt8], ends: [Int], table: String, to writer: inout BSATNWriter) {
            beginRows(of: table, in: &writer)
            writer.writeRows(rows, ends: ends)
        }

        private mutating func beginRows(of table: String, in writer: inout BSATNWriter) {
            count += 1
            writer.overwrite(count, at: countOffset)
            writer.write(table)
        }
    }
}

public import SpacetimeSATS

extension V2 {
    /// Puts together what a transaction changed for one client, from the changes of single queries that were encoded once for
    /// all who watch them: each costs one copy of memory here.
    ///
    /// ```swift
    /// var update = V2.UpdateEncoder.transactionUpdate(in: &writer)
    /// for change in changes { update.append(change.bytes, table: change.table, querySetID: change.set, to: &writer) }
    /// ```
    ///
    /// The message is complete after each step, so that nothing has to be closed. Nothing else may be written in between.
    public struct UpdateEncoder: Sendable {
        private var sets: Count
        private var tables = Count(offset: 0)
        private var entries = Count(offset: 0)
        private var querySetID: UInt32 = 0
        private var table = ""

        /// A count in the message, and where it stands.
        private struct Count {
            let offset: Int
            var value: UInt32 = 0

            /// Writes a count of zero.
            init(in writer: inout BSATNWriter) {
                offset = writer.count
                writer.writeCount(0)
            }

            init(offset: Int) { self.offset = offset }

            mutating func increment(in writer: inout BSATNWriter) {
                value += 1
                writer.overwrite(value, at: offset)
            }
        }

        init(in writer: inout BSATNWriter) { sets = Count(in: &writer) }

        /// Begins what a transaction of somebody else changed.
        public static func transactionUpdate(in writer: inout BSATNWriter) -> UpdateEncoder {
            writer.writeTag(4)
            return UpdateEncoder(in: &writer)
        }

        /// Begins the answer to a call that was committed, with what it changed for the caller. It is complete if nothing is
        /// appended: 22 bytes, and no allocation in a writer that has room for them.
        public static func reducerResult(
            requestID: UInt32, timestamp: Timestamp, in writer: inout BSATNWriter
        ) -> UpdateEncoder {
            writer.reserve(22)
            writer.writeTag(6)
            writer.write(requestID)
            timestamp.encode(to: &writer)
            writer.writeTag(0)
            // Reducers return nothing, and one client stops its program over anything else.
            writer.writeCount(0)
            return UpdateEncoder(in: &writer)
        }

        /// Whether nothing was appended yet.
        public var isEmpty: Bool { sets.value == 0 }

        /// Appends what changed in one query, as ``V2/appendChanges(inserts:ends:deletes:ends:to:)`` and
        /// ``V2/appendEvents(_:ends:to:)`` made it.
        ///
        /// Sets must come in ascending order, and within a set all changes of one table one after the other, the tables by
        /// ascending name.
        public mutating func append(
            _ changes: RawSpan, table: String, querySetID: UInt32, to writer: inout BSATNWriter
        ) {
            if sets.value == 0 || querySetID != self.querySetID {
                precondition(sets.value == 0 || querySetID > self.querySetID, "query sets must come in ascending order")
                self.querySetID = querySetID
                sets.increment(in: &writer)
                writer.write(querySetID)
                tables = Count(in: &writer)
            }
            if tables.value == 0 || table != self.table {
                self.table = table
                tables.increment(in: &writer)
                writer.write(table)
                entries = Count(in: &writer)
            }
            entries.increment(in: &writer)
            writer.append(changes)
        }
    }
}

extension V2 {
    /// Appends what changed in one query of a stored table: rows back to back, and where each ends. What
    /// ``UpdateEncoder/append(_:table:querySetID:to:)`` takes.
    public static func appendChanges(
        inserts: [UInt8], ends insertEnds: [Int], deletes: [UInt8], ends deleteEnds: [Int],
        to writer: inout BSATNWriter
    ) {
        writer.reserve(
            1 + RowList.byteCount(inserts, ends: insertEnds) + RowList.byteCount(deletes, ends: deleteEnds))
        writer.writeTag(0)
        writer.writeRows(inserts, ends: insertEnds)
        writer.writeRows(deletes, ends: deleteEnds)
    }

    /// Appends the rows of an event table that one query has.
    public static func appendEvents(_ rows: [UInt8], ends: [Int], to writer: inout BSATNWriter) {
        writer.reserve(1 + RowList.byteCount(rows, ends: ends))
        writer.writeTag(1)
        writer.writeRows(rows, ends: ends)
    }
}

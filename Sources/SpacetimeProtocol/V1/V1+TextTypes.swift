import SpacetimeSATS

extension V1 {
    /// The messages as types, for reading them from JSON in any of the accepted spellings. Rows and arguments are texts.
    enum TextTypes {
        static let clientMessage = AlgebraicType.sum([
            (
                "CallReducer",
                .product([("reducer", .string), ("args", .string), ("request_id", .u32), ("flags", .u8)])
            ),
            ("Subscribe", .product([("query_strings", .array(.string)), ("request_id", .u32)])),
            ("OneOffQuery", .product([("message_id", .bytes), ("query_string", .string)])),
            ("SubscribeSingle", .product([("query", .string), ("request_id", .u32), ("query_id", queryID)])),
            (
                "SubscribeMulti",
                .product([("query_strings", .array(.string)), ("request_id", .u32), ("query_id", queryID)])
            ),
            ("Unsubscribe", .product([("request_id", .u32), ("query_id", queryID)])),
            ("UnsubscribeMulti", .product([("request_id", .u32), ("query_id", queryID)])),
            (
                "CallProcedure",
                .product([("procedure", .string), ("args", .string), ("request_id", .u32), ("flags", .u8)])
            ),
        ])

        static let serverMessage = AlgebraicType.sum([
            (
                "InitialSubscription",
                .product([
                    ("database_update", databaseUpdate), ("request_id", .u32),
                    ("total_host_execution_duration", .timeDuration),
                ])
            ),
            ("TransactionUpdate", transactionUpdate),
            ("TransactionUpdateLight", .product([("request_id", .u32), ("update", databaseUpdate)])),
            (
                "IdentityToken",
                .product([("identity", .identity), ("token", .string), ("connection_id", .connectionId)])
            ),
            (
                "OneOffQueryResponse",
                .product([
                    ("message_id", .bytes), ("error", .option(.string)),
                    ("tables", .array(.product([("table_name", .string), ("rows", rows)]))),
                    ("total_host_execution_duration", .timeDuration),
                ])
            ),
            ("SubscribeApplied", singleApplied),
            ("UnsubscribeApplied", singleApplied),
            (
                "SubscriptionError",
                .product([
                    ("total_host_execution_duration_micros", .u64), ("request_id", .option(.u32)),
                    ("query_id", .option(.u32)), ("table_id", .option(.u32)), ("error", .string),
                ])
            ),
            ("SubscribeMultiApplied", multiApplied),
            ("UnsubscribeMultiApplied", multiApplied),
            (
                "ProcedureResult",
                .product([
                    (
                        "status",
                        .sum([("Returned", .string), ("OutOfEnergy", .unit), ("InternalError", .string)])
                    ),
                    ("timestamp", .timestamp), ("total_host_execution_duration", .timeDuration), ("request_id", .u32),
                ])
            ),
        ])

        private static let queryID = AlgebraicType.product([("id", .u32)])
        private static let rows = AlgebraicType.array(.string)

        private static let tableUpdate = AlgebraicType.product([
            ("table_id", .u32), ("table_name", .string), ("num_rows", .u64),
            ("updates", .array(.product([("deletes", rows), ("inserts", rows)]))),
        ])

        private static let databaseUpdate = AlgebraicType.product([("tables", .array(tableUpdate))])

        private static let transactionUpdate = AlgebraicType.product([
            (
                "status",
                .sum([("Committed", databaseUpdate), ("Failed", .string), ("OutOfEnergy", .unit)])
            ),
            ("timestamp", .timestamp), ("caller_identity", .identity), ("caller_connection_id", .connectionId),
            (
                "reducer_call",
                .product([
                    ("reducer_name", .string), ("reducer_id", .u32), ("args", .string), ("request_id", .u32),
                ])
            ),
            ("energy_quanta_used", .product([("quanta", .u128)])),
            ("total_host_execution_duration", .timeDuration),
        ])

        private static let singleApplied = AlgebraicType.product([
            ("request_id", .u32), ("total_host_execution_duration_micros", .u64), ("query_id", queryID),
            ("rows", .product([("table_id", .u32), ("table_name", .string), ("table_rows", tableUpdate)])),
        ])

        private static let multiApplied = AlgebraicType.product([
            ("request_id", .u32), ("total_host_execution_duration_micros", .u64), ("query_id", queryID),
            ("update", databaseUpdate),
        ])
    }

    /// The BSATN of a message in JSON: what every reader of messages here reads.
    ///
    /// - Parameter valueLimit: how many values the text may have. Each takes many times the memory of its text.
    static func bsatn(
        of text: [UInt8], type: AlgebraicType, valueLimit: Int, limits: ProtocolLimits
    ) throws(ProtocolError) -> [UInt8] {
        try limits.check(.messageBytes, text.count, at: 0)
        if text.isEmpty { throw .emptyPayload }
        do throws(JSONError) {
            return try AlgebraicValue(json: try JSON(parsing: text, valueLimit: valueLimit), type: type).bsatn()
        } catch { throw .malformedText(error) }
    }
}

extension ProtocolError {
    /// The error without the place where it is in a message that was made of the one that came.
    var withoutPlace: ProtocolError {
        switch self {
        case .tooLarge(let part, let found, let limit, _): .tooLarge(part, found: found, limit: limit, at: nil)
        case .unknownFlags(let flags, _, let allowed): .unknownFlags(flags, at: nil, allowed: allowed)
        default: self
        }
    }
}

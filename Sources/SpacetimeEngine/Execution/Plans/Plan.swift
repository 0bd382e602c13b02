/// How a query is answered: its tables in the order in which they are gone through, each with the way to its rows.
///
/// For each row of the first step those of the second are found, and so on. What is left to do with the combinations stands
/// in the fields behind the steps, in the order in which it is done. A plan is plain data: it is made where queries are
/// planned, printed, compared in tests, and compiled and run by the engine.
package struct Plan: Hashable, Sendable {
    package var steps: [Step]
    /// Conditions without any table: if one of them does not hold there are no rows (and, without keys, one group of none).
    package var conditions: [Expression]
    package var grouping: Grouping?
    package var output: QueryOutput
    package var isDistinct: Bool
    /// Empty if no order is asked for, or if the steps yield the rows in it.
    package var order: [OrderTerm]
    /// The steps yield the rows in the order of so many of the first terms of ``order``. Then only rows that are equal in
    /// these are sorted, and a limited query ends when enough of them are there.
    package var sortedTerms: Int
    package var limit: Expression?
    package var offset: Expression?
    package var parameters: [QueryParameter]

    package init(
        steps: [Step], conditions: [Expression] = [], grouping: Grouping? = nil, output: QueryOutput,
        isDistinct: Bool = false, order: [OrderTerm] = [], sortedTerms: Int = 0, limit: Expression? = nil,
        offset: Expression? = nil, parameters: [QueryParameter] = []
    ) {
        self.steps = steps
        self.conditions = conditions
        self.grouping = grouping
        self.output = output
        self.isDistinct = isDistinct
        self.order = order
        self.sortedTerms = sortedTerms
        self.limit = limit
        self.offset = offset
        self.parameters = parameters
    }
}

extension Plan {
    /// One table of a plan.
    package struct Step: Hashable, Sendable {
        /// Its position in the query's tables; fields name it by this, wherever the step stands.
        package var slot: Int
        package var table: TableID
        package var source: Source
        package var access: Access
        /// From the last row of the access to the first.
        package var isReversed: Bool
        /// What the rows must meet besides, on their own. May have parameters.
        package var filter: RowPredicate
        /// What a row must meet together with those of the steps before. For an outer join these are its conditions, and the
        /// filter is among them.
        package var conditions: [Expression]
        /// Combinations that find no row here are kept without one.
        package var isOuter: Bool
        /// What combinations must meet when an outer step is done with, those without a row here as well. Empty for other
        /// steps, whose ``conditions`` say it.
        package var laterConditions: [Expression]
        /// Of the rows that fit, only the first is taken, once for each combination of the steps before: for the least and
        /// the greatest value of an index, and where it matters only whether there is a row.
        package var takesFirst: Bool

        package init(
            slot: Int, table: TableID, source: Source = .table, access: Access = .table, isReversed: Bool = false,
            filter: RowPredicate = .all, conditions: [Expression] = [], isOuter: Bool = false,
            laterConditions: [Expression] = [], takesFirst: Bool = false
        ) {
            self.slot = slot
            self.table = table
            self.source = source
            self.access = access
            self.isReversed = isReversed
            self.filter = filter
            self.conditions = conditions
            self.isOuter = isOuter
            self.laterConditions = laterConditions
            self.takesFirst = takesFirst
        }
    }

    /// Which rows of its table a step goes through.
    package enum Source: UInt8, Hashable, Sendable {
        /// Those that are there: in the database, or in the snapshot that the plan is run on.
        case table
        /// The rows that are handed in: what a commit inserted, or what it deleted.
        case changes
        /// Those that were there before the changes that are handed in.
        case tableBefore
    }

    /// The way to the rows of a step.
    package indirect enum Access: Hashable, Sendable {
        /// All rows.
        case table
        /// Those with one key: a value for each column of the index.
        case key(IndexID, [KeyPart])
        /// Those whose leading columns have some values, and the next one lies between bounds, in key order.
        case range(IndexID, KeyRange)
        /// Those whose leading columns have some values, and the next one has one of several, in key order. Each value is
        /// looked up.
        case keys(IndexID, prefix: [KeyPart], tag: UInt8?, ListOperand)
        /// Those whose leading columns have some values, and the next one lies in one of several ranges, in key order. The
        /// ranges may overlap: a row is found once. An index without order is asked for single values only.
        case ranges(IndexID, prefix: [KeyPart], [Interval])
        /// Those that one of several look-ups finds, each row once, in no particular order. Each is a key, a range or a list of
        /// given keys.
        case any([Access])
        /// Those whose fields have some values, found in a hash table that is made of the step's filtered rows when the plan
        /// begins to run. Those rows are found by an access of their own, in whose operands are no fields.
        case hash([HashKey], over: Access)
    }

    /// A value of a column of an index.
    package struct KeyPart: Hashable, Sendable {
        /// The variant that the value is the payload of; nil if it is the whole value of the column.
        package var tag: UInt8?
        package var value: Operand

        package init(_ value: Operand, tag: UInt8? = nil) {
            self.tag = tag
            self.value = value
        }
    }

    package struct KeyRange: Hashable, Sendable {
        package typealias Bound = Interval.Bound

        package var prefix: [KeyPart]
        package var lower: Bound
        package var upper: Bound

        package init(prefix: [KeyPart] = [], lower: Bound = .unbounded, upper: Bound = .unbounded) {
            self.prefix = prefix
            self.lower = lower
            self.upper = upper
        }
    }

    /// Values of one column between bounds.
    package struct Interval: Hashable, Sendable {
        package enum Bound: Hashable, Sendable {
            case unbounded
            case included(KeyPart)
            case excluded(KeyPart)
        }

        package var lower: Bound
        package var upper: Bound

        package init(lower: Bound = .unbounded, upper: Bound = .unbounded) {
            self.lower = lower
            self.upper = upper
        }

        /// The value, if it is one only.
        package var point: KeyPart? {
            guard case .included(let lower) = lower, case .included(let upper) = upper, lower == upper else {
                return nil
            }
            return lower
        }
    }

    /// A value that is known when a step is reached. One that is missing equals nothing, and the step finds no row.
    package enum Operand: Hashable, Sendable {
        /// Of a step before.
        case field(QueryField)
        /// Computed of fields of steps before: `x - 10`.
        case computed(Expression)
        /// In BSATN.
        case literal([UInt8])
        case parameter(Int)
    }

    /// Values of which one must be there.
    package enum ListOperand: Hashable, Sendable {
        case values(ValueList)
        /// A parameter whose value is an array.
        case parameter(Int)
    }

    /// A field of a step's own table that must equal a value.
    package struct HashKey: Hashable, Sendable {
        package var field: QueryField
        package var value: Operand

        package init(_ field: QueryField, equals value: Operand) {
            self.field = field
            self.value = value
        }
    }
}

import SpacetimeEngine
import SpacetimeQuery

/// Statements that were bound before, found by their text: exactly, or up to its literals.
struct StatementCache {
    /// A statement that is ready to be run with values.
    enum Entry {
        /// A query, and the values of its literals; nil for parameters with names.
        case select(PreparedSelect, [[UInt8]?])
        case other(BoundStatement)
    }

    private struct Texts<Key: Hashable, Value> {
        private var entries: [Key: Value] = [:]
        private var byteCount = 0

        subscript(key: Key) -> Value? { entries[key] }

        /// Who asks ever new texts is served as well without any: then all are forgotten, and those that come again are
        /// entered again.
        mutating func enter(_ key: Key, _ value: Value, byteCount count: Int) {
            if entries.count >= StatementCache.countLimit || byteCount + count > StatementCache.byteLimit {
                entries = [:]
                byteCount = 0
            }
            if entries.updateValue(value, forKey: key) == nil { byteCount += count }
        }
    }

    private static let countLimit = 2_000
    /// Of texts.
    private static let byteLimit = 4 << 20

    private var selects = SQLTextTable(countLimit: countLimit, byteLimit: byteLimit)
    private var texts = Texts<ExactText, Entry>()
    private var templates = Texts<[UInt8], PreparedSelect>()

    mutating func entry(for text: String) -> Entry? {
        if let select = selects.find(text) as? PreparedSelect { return .select(select, selects.foundValues) }
        return texts[ExactText(text)]
    }

    mutating func enter(_ entry: Entry, for text: String) {
        texts.enter(ExactText(text), entry, byteCount: text.utf8.count)
    }

    /// A query that differs from a text in its literals, and in how it is written.
    mutating func select(for template: SQLTemplate, of text: String) -> PreparedSelect? {
        guard let select = templates[template.key] else { return nil }
        selects.enter(text, select.bound, template, select)
        return select
    }

    mutating func enter(_ select: PreparedSelect, for template: SQLTemplate, of text: String) {
        selects.enter(text, select.bound, template, select)
        templates.enter(template.key, select, byteCount: template.key.count)
    }
}

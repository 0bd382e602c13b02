/// Rows in columns that are aligned, and fit a width.
struct TextTable {
    struct Column {
        let title: String
        /// Numbers stand on the right, where their digits are below each other.
        var isRight = false
    }

    let columns: [Column]
    /// A text for each column; nil for what is absent.
    let rows: [[String?]]
    /// What stands for what is absent.
    var absent = "NULL"

    init(_ columns: [Column], _ rows: [[String?]]) {
        self.columns = columns
        self.rows = rows.map { $0.map { $0.map(DisplayText.escaped) } }
    }

    init(_ titles: [String], _ rows: [[String?]]) { self.init(titles.map { Column(title: $0) }, rows) }

    /// The table as lines, each of at most so many columns; nil if that does not matter.
    ///
    /// Where the rows are too wide, the widest columns are cut, and if that cannot help, the lines.
    func lines(width: Int?, style: TextStyle = .plain) -> [String] {
        guard !columns.isEmpty else { return [] }
        let widths = fitting(natural, into: width)
        let isTooWide = width.map { widths.reduce(0) { $0 + $1 + 3 } - 1 > $0 } ?? false
        // A line that is cut could leave a colour switched on.
        let style = isTooWide ? .plain : style
        var lines = [line(columns.map(\.title), widths) { text, _ in style.bold(text) }]
        lines.append(widths.map { String(repeating: "─", count: $0 + 2) }.joined(separator: "┼"))
        for row in rows {
            lines.append(
                line(row.map { $0 ?? absent }, widths) { text, column in
                    row[column] == nil ? style.dim(text) : text
                })
        }
        guard isTooWide, let width else { return lines }
        return lines.map { DisplayText.cut($0, to: width) }
    }

    private func line(_ texts: [String], _ widths: [Int], _ dress: (String, Int) -> String) -> String {
        var line = ""
        for (column, text) in texts.enumerated() {
            if column > 0 { line += "│" }
            let cut = DisplayText.cut(text, to: widths[column])
            let blanks = String(repeating: " ", count: max(0, widths[column] - DisplayText.width(cut)))
            let isLast = column == texts.count - 1
            line += " "
            if columns[column].isRight {
                line += blanks + dress(cut, column) + (isLast ? "" : " ")
            } else {
                line += dress(cut, column) + (isLast ? "" : blanks + " ")
            }
        }
        while line.last == " " { line.removeLast() }
        return line
    }

    /// How wide each column would like to be.
    private var natural: [Int] {
        var widths = columns.map { max(1, DisplayText.width($0.title)) }
        for row in rows {
            for (column, text) in row.enumerated() {
                widths[column] = max(widths[column], DisplayText.width(text ?? absent))
            }
        }
        return widths
    }

    /// The least width that a column is cut to.
    private static let least = 4

    /// Takes from the widest until all fit.
    private func fitting(_ natural: [Int], into width: Int?) -> [Int] {
        guard let width else { return natural }
        var widths = natural
        // Blanks on both sides of each column and the lines between them.
        var excess = widths.reduce(0, +) + 3 * widths.count - 1 - width
        while excess > 0, let widest = widths.max(), widest > Self.least {
            // Down to the next in width, all of the widest together.
            let next = widths.filter { $0 < widest }.max() ?? Self.least
            let positions = widths.indices.filter { widths[$0] == widest }
            let step = min(max(1, excess / positions.count), widest - max(next, Self.least))
            guard step > 0 else { break }
            for position in positions where excess > 0 {
                widths[position] -= step
                excess -= step
            }
        }
        return widths
    }
}

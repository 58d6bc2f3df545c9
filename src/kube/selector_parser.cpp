#include "kube/selector_parser.hpp"

#include <algorithm>
#include <charconv>
#include <set>

#include "kube/json.hpp"
#include "kube/label_syntax.hpp"

namespace fluxmetrics::kube {
namespace {

using Operator = LabelOperator;
using Requirement = LabelRequirement;

enum class Kind {
  end,
  identifier,
  in,
  not_in,
  open,
  close,
  comma,
  exclamation,
  equals,
  double_equals,
  not_equals,
  greater,
  less
};

struct Token {
  Kind kind = Kind::end;
  std::string_view text;
};

constexpr std::string_view symbols = "=!(),><";
constexpr std::string_view spaces = " \t\r\n";

Token next_symbol(std::string_view text) {
  if (text.starts_with("==")) return {Kind::double_equals, text.substr(0, 2)};
  if (text.starts_with("!=")) return {Kind::not_equals, text.substr(0, 2)};
  const auto one = text.substr(0, 1);
  switch (text[0]) {
    case '=':
      return {Kind::equals, one};
    case '!':
      return {Kind::exclamation, one};
    case '(':
      return {Kind::open, one};
    case ')':
      return {Kind::close, one};
    case ',':
      return {Kind::comma, one};
    case '>':
      return {Kind::greater, one};
    default:
      return {Kind::less, one};
  }
}

std::vector<Token> tokenize(std::string_view text) {
  std::vector<Token> tokens;
  while (true) {
    const auto begin = text.find_first_not_of(spaces);
    if (begin == std::string_view::npos) break;
    text.remove_prefix(begin);
    Token token;
    if (symbols.contains(text[0])) {
      token = next_symbol(text);
    } else {
      const auto* const end =
          std::ranges::find_if(text, [](char c) { return symbols.contains(c) || spaces.contains(c); });
      token = {Kind::identifier, text.substr(0, static_cast<std::size_t>(end - text.begin()))};
      if (token.text == "in") token.kind = Kind::in;
      if (token.text == "notin") token.kind = Kind::not_in;
    }
    tokens.push_back(token);
    text.remove_prefix(token.text.size());
  }
  tokens.push_back({});
  return tokens;
}

std::string invalid_value(std::string_view path, std::string_view value, std::string_view why) {
  return fmt::format("{}: Invalid value: {}: {}", path, go_quote(value), why);
}

// What is wrong with the values; several faults as Go joins them.
std::string value_faults(const Requirement& requirement) {
  std::vector<std::string> faults;
  const bool ordered = requirement.op == Operator::greater || requirement.op == Operator::less;
  for (std::size_t i = 0; i < requirement.values.size(); ++i) {
    const auto& value = requirement.values[i];
    if (ordered && !parse_label_integer(value)) {
      faults.push_back(invalid_value(fmt::format("values[{}]", i), value,
                                     "for 'Gt', 'Lt' operators, the value must be an integer"));
    }
  }
  for (std::size_t i = 0; i < requirement.values.size(); ++i) {
    const auto fault = label_value_fault(requirement.values[i]);
    if (!fault.empty()) {
      faults.push_back(
          invalid_value(fmt::format("values[{}][{}]", i, requirement.key), requirement.values[i], fault));
    }
  }
  if (faults.size() < 2) return faults.empty() ? std::string() : faults[0];
  return fmt::format("[{}]", fmt::join(faults, ", "));
}

class Parser {
 public:
  explicit Parser(std::string_view text) : tokens_(tokenize(text)) {}

  Result<std::vector<Requirement>> parse() {
    std::vector<Requirement> requirements;
    if (peek().kind == Kind::end) return requirements;
    if (!starts_requirement(peek())) {
      return fail(Code::invalid, "found '{}', expected: !, identifier, or 'end of string'", peek().text);
    }
    while (true) {
      auto requirement = parse_requirement();
      if (!requirement) {
        return fail(Code::invalid, "unable to parse requirement: {}", requirement.error().message);
      }
      requirements.push_back(std::move(*requirement));
      const Token after = take();
      if (after.kind == Kind::end) return requirements;
      if (after.kind != Kind::comma) {
        return fail(Code::invalid, "found '{}', expected: ',' or 'end of string'", after.text);
      }
      if (!starts_requirement(peek())) {
        return fail(Code::invalid, "found '{}', expected: identifier after ','", peek().text);
      }
    }
  }

 private:
  // in and notin are names wherever an operator cannot stand.
  static bool is_word(const Token& token) {
    return token.kind == Kind::identifier || token.kind == Kind::in || token.kind == Kind::not_in;
  }
  static bool starts_requirement(const Token& token) {
    return is_word(token) || token.kind == Kind::exclamation;
  }

  [[nodiscard]] const Token& peek() const { return tokens_[next_]; }
  Token take() {
    const Token token = tokens_[next_];
    if (next_ + 1 < tokens_.size()) ++next_;
    return token;
  }

  Result<Requirement> parse_requirement() {
    Requirement requirement;
    const bool negated = peek().kind == Kind::exclamation;
    if (negated) take();
    const Token key = take();
    if (!is_word(key)) return fail(Code::invalid, "found '{}', expected: identifier", key.text);
    if (const auto fault = label_key_fault(key.text); !fault.empty()) {
      return fail(Code::invalid, "{}", invalid_value("<nil>", key.text, fault));
    }
    requirement.key = key.text;
    if (negated || peek().kind == Kind::end || peek().kind == Kind::comma) {
      requirement.op = negated ? Operator::does_not_exist : Operator::exists;
      return requirement;
    }
    auto op = parse_operator();
    if (!op) return std::unexpected(op.error());
    requirement.op = *op;
    const bool set = *op == Operator::in || *op == Operator::not_in;
    auto values = set ? parse_set() : parse_value();
    if (!values) return std::unexpected(values.error());
    requirement.values.assign(values->begin(), values->end());
    if (const auto fault = value_faults(requirement); !fault.empty()) return fail(Code::invalid, "{}", fault);
    return requirement;
  }

  Result<Operator> parse_operator() {
    const Token token = take();
    switch (token.kind) {
      case Kind::in:
        return Operator::in;
      case Kind::not_in:
        return Operator::not_in;
      case Kind::equals:
        return Operator::equals;
      case Kind::double_equals:
        return Operator::double_equals;
      case Kind::not_equals:
        return Operator::not_equals;
      case Kind::greater:
        return Operator::greater;
      case Kind::less:
        return Operator::less;
      default:
        return fail(Code::invalid, "found '{}', expected: in, notin, =, ==, !=, gt, lt", token.text);
    }
  }

  // A value may be missing: "a=" compares with the empty string.
  Result<std::set<std::string>> parse_value() {
    if (peek().kind == Kind::end || peek().kind == Kind::comma) return std::set<std::string>{""};
    const Token token = take();
    if (!is_word(token)) return fail(Code::invalid, "found '{}', expected: identifier", token.text);
    return std::set<std::string>{std::string(token.text)};
  }

  // "(a,b)"; nothing between parentheses or commas is the empty string.
  Result<std::set<std::string>> parse_set() {
    std::set<std::string> values;
    if (const Token open = take(); open.kind != Kind::open) {
      return fail(Code::invalid, "found '{}' expected: '('", open.text);
    }
    if (!is_word(peek()) && peek().kind != Kind::comma && peek().kind != Kind::close) {
      return fail(Code::invalid, "found '{}', expected: ',', ')' or identifier", peek().text);
    }
    while (true) {
      if (is_word(peek())) {
        values.emplace(take().text);
      } else if (peek().kind == Kind::comma || peek().kind == Kind::close) {
        values.emplace();
      } else {
        return fail(Code::invalid, "found '{}', expected: ',', or identifier", peek().text);
      }
      const Token after = take();
      if (after.kind == Kind::close) return values;
      if (after.kind != Kind::comma)
        return fail(Code::invalid, "found '{}', expected: ',' or ')'", after.text);
    }
  }

  std::vector<Token> tokens_;
  std::size_t next_ = 0;
};

}  // namespace

Result<std::vector<Requirement>> parse_requirements(std::string_view text) {
  return Parser(text).parse();
}

std::optional<std::int64_t> parse_label_integer(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  std::int64_t value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace fluxmetrics::kube

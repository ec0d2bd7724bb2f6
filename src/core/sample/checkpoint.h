// Plain values to bytes and back, for the state of a run. Same machine type only: the bytes are
// those of memory, so that a resumed run goes on bit for bit.
#ifndef EMGMM_SAMPLE_CHECKPOINT_H
#define EMGMM_SAMPLE_CHECKPOINT_H

#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

namespace emcore {

class StateWriter {
 public:
  template <class T>
  void write(const T &value) {
    static_assert(std::is_trivially_copyable<T>::value, "plain values only");
    bytes_.append(reinterpret_cast<const char *>(&value), sizeof(T));
  }
  template <class T>
  void write(const std::vector<T> &values) {
    write<std::uint64_t>(values.size());
    for (const T &value : values) write(value);
  }
  void write(const std::string &text) {
    write<std::uint64_t>(text.size());
    bytes_ += text;
  }
  const std::string &bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

class StateReader {
 public:
  explicit StateReader(const std::string &bytes) : bytes_(bytes) {}

  template <class T>
  void read(T *value) {
    static_assert(std::is_trivially_copyable<T>::value, "plain values only");
    need(sizeof(T));
    std::memcpy(value, bytes_.data() + at_, sizeof(T));
    at_ += sizeof(T);
  }
  template <class T>
  void read(std::vector<T> *values) {
    std::uint64_t n = 0;
    read(&n);
    need(n);  // at least a byte each: a wrong count must not ask for all memory
    values->resize(n);
    for (T &value : *values) read(&value);
  }
  void read(std::string *text) {
    std::uint64_t n = 0;
    read(&n);
    need(n);
    text->assign(bytes_, at_, n);
    at_ += n;
  }
  bool at_end() const { return at_ == bytes_.size(); }

 private:
  void need(std::uint64_t n) const {
    if (n > bytes_.size() - at_)
      throw std::domain_error("stored state ends after " + std::to_string(bytes_.size()) +
                              " bytes, in the middle of a value");
  }
  const std::string &bytes_;
  std::size_t at_ = 0;
};

}  // namespace emcore

#endif

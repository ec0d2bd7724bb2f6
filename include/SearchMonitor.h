/**
 *  \file IMP/emgmm/SearchMonitor.h
 *  \brief Who is told how far a search is, and may end it.
 */

#ifndef IMPEMGMM_SEARCH_MONITOR_H
#define IMPEMGMM_SEARCH_MONITOR_H

#include <IMP/Object.h>
#include <IMP/emgmm/emgmm_config.h>
#include <IMP/object_macros.h>

#include <string>

IMPEMGMM_BEGIN_NAMESPACE

//! Told how far a search is, and asked whether it should end
/** Derive from it in C++ or Python. All methods are called from the thread that
    called BodySearch::get_placements(). What they throw ends the search and
    comes out there; so does Ctrl-C, which Python sees in any method of its own.
 */
class IMPEMGMMEXPORT SearchMonitor : public Object {
 public:
  SearchMonitor(std::string name) : Object(name) {}

  //! Called when a stage begins, and now and then within long ones
  /**
     \param[in] stage what is being done
     \param[in] search this one, from 1
     \param[in] searches at most
     \param[in] share of all work that may be, 0 to 1
     \param[in] best score known, kT; infinite before there is one
   */
  virtual void handle_progress(std::string stage, int search, int searches, double share,
                               double best) = 0;

  //! Asked some times a second: true ends the search with what it has
  virtual bool get_is_stopped() = 0;

  virtual ~SearchMonitor();
};

IMP_OBJECTS(SearchMonitor, SearchMonitors);

IMPEMGMM_END_NAMESPACE

#endif /* IMPEMGMM_SEARCH_MONITOR_H */
